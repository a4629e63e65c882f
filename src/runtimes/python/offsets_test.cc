#include "runtimes/python/offsets.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "elf/image.h"
#include "runtimes/python/debug_offsets.h"
#include "runtimes/python/symbols.h"
#include "runtimes/python/testing/installed.h"
#include "runtimes/python/testing/offsets_probe.h"
#include "runtimes/python/thread_names.h"
#include "runtimes/python/version.h"

namespace gp::runtimes::python {
namespace {

std::map<std::string, uint64_t> ours(const gp_python& python) {
  return {{"version", python.version},
          {"interpreters_head", python.interpreters_head},
          {"interpreter_next", python.interpreter_next},
          {"threads_head", python.threads_head},
          {"modules", python.modules},
          {"thread_next", python.thread_next},
          {"thread_id", python.thread_id},
          {"thread_interpreter", python.thread_interpreter},
          {"thread_status", python.thread_status},
          {"thread_frame", python.thread_frame},
          {"frame_indirect", python.frame_indirect},
          {"cframe_frame", python.cframe_frame},
          {"object_type", python.object_type},
          {"type_basic_size", kTypeBasicSize},
          {"frame_code", python.frame_code},
          {"frame_previous", python.frame_previous},
          {"frame_instruction", python.frame_instruction},
          {"frame_entry", python.frame_entry},
          {"frame_bytecode", python.frame_bytecode},
          {"code_copies", python.code_copies},
          {"copies_array", 1},
          {"entry_value", python.entry_value},
          {"entry_is_frame", python.entry_is_frame},
          {"frame_bytes", python.frame_bytes},
          {"frame_generator", python.frame_generator},
          {"frame_locals", python.frame_locals},
          {"code_arguments", python.code_arguments},
          {"function_code", python.function_code},
          {"function_qualname", python.function_qualname},
          {"generator_qualname", python.generator_qualname},
          {"type_name", python.type_name},
          {"collecting", python.collecting},
          {"types", 1},
          {"dicts", 1},
          {"classic", 1},
          {"names", 1},
          {"cached_keys", cached_keys_of(python)},
          {"status_active", GP_PYTHON_STATUS_ACTIVE},
          {"code_start", python.code_start},
          {"code_first_line", python.code_first_line},
          {"code_name", python.code_name},
          {"code_qualname", python.code_qualname},
          {"code_filename", python.code_filename},
          {"code_line_table", python.code_line_table},
          {"bytes_data", python.bytes_data},
          {"bytes_size", python.bytes_size},
          {"unicode_length", python.unicode_length},
          {"unicode_state", python.unicode_state},
          {"text_kind_shift", python.text_kind_shift},
          {"unicode_ascii_data", python.unicode_ascii_data},
          {"unicode_compact_data", python.unicode_compact_data}};
}

// The probe's output for one interpreter's headers; empty when they are not installed.
std::string compile_probe(const Installed& python) {
  if (access((python.include + "/Python.h").c_str(), R_OK) != 0) return {};
  const std::string base = testing::TempDir() + "gp_python_probe_" + std::to_string(getpid());
  std::ofstream(base + ".c") << kOffsetsProbe;
  std::string told = output_of("cc -w -I" + python.include + " -I" + python.include + "/internal " + base + ".c -o " +
                               base + " 2>&1 && " + base);
  unlink(base.c_str());
  unlink((base + ".c").c_str());
  return told;
}

std::optional<gp_python> our_offsets(const Installed& python) {
  auto image = elf::Image::open(python.binary);
  if (!image) return std::nullopt;
  const Symbols symbols = find_symbols(*image);
  if (!symbols.runtime) return std::nullopt;
  if (const auto table = offsets_of(version_in_name("python" + python.version).number)) return table;
  auto read = read_debug_offsets(image->bytes_at(symbols.runtime->address));
  return read ? std::optional(*read) : std::nullopt;
}

// Compares with what the compiler told, a name and a value a line.
void compare(const gp_python& offsets, std::istream& told, const std::string& version) {
  EXPECT_TRUE(offsets_are_sane(offsets)) << version;
  const auto expected = ours(offsets);
  std::string name;
  uint64_t value = 0;
  while (told >> name >> value) {
    if (name.starts_with("word_")) continue;
    ASSERT_TRUE(expected.contains(name)) << name;
    EXPECT_EQ(expected.at(name), value) << version << " " << name;
  }
}

TEST(Offsets, AreThoseOfTheHeaders) {
  size_t checked = 0;
  for (const auto& python : installed_pythons()) {
    std::istringstream told(compile_probe(python));
    const auto offsets = our_offsets(python);
    if (told.str().empty()) continue;
    ASSERT_TRUE(offsets) << python.binary;
    compare(*offsets, told, python.version);
    ++checked;
  }
  if (checked == 0) GTEST_SKIP() << "no CPython with its internal headers and a C compiler";
}

// Debian has no free-threaded 3.14, but its headers: the file is what the probe says when it is compiled with
// -DPy_GIL_DISABLED=1 against those of Debian's libpython3.14-dev and run with an argument.
TEST(Offsets, OfA314WithoutLock) {
  std::ifstream told(GP_SOURCE_DIR "/tests/data/python/3.14t.offsets");
  std::vector<uint64_t> words;
  std::string name;
  uint64_t value = 0;
  while (told >> name >> value)
    if (name == "word_" + std::to_string(words.size())) words.push_back(value);
  const auto offsets = read_debug_offsets({reinterpret_cast<const uint8_t*>(words.data()), words.size() * 8});
  ASSERT_TRUE(offsets) << offsets.error().message();
  told.clear();
  told.seekg(0);
  compare(*offsets, told, "3.14t");
}

TEST(Offsets, OfEveryTableAreSane) {
  for (uint16_t version = 0x0306; version <= kPython312; ++version) EXPECT_TRUE(offsets_are_sane(*offsets_of(version)));
  EXPECT_TRUE(offsets_are_sane(*offsets_of(kPython27)));
  EXPECT_FALSE(offsets_of(kPython313));
  EXPECT_FALSE(offsets_of(0x0305));
}

TEST(Offsets, MayNotLieOutsideWhatIsRead) {
  gp_python python = *offsets_of(0x0309);
  python.frame_instruction = 110;  // not aligned
  EXPECT_FALSE(offsets_are_sane(python));
  python = *offsets_of(0x0309);
  python.code_name = python.code_bytes;
  EXPECT_FALSE(offsets_are_sane(python));
  python = *offsets_of(0x0309);
  python.code_bytes = 252;  // more than there is room for
  EXPECT_FALSE(offsets_are_sane(python));
}

}  // namespace
}  // namespace gp::runtimes::python
