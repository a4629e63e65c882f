#include "runtimes/python/offsets.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <map>
#include <sstream>

#include "elf/image.h"
#include "runtimes/python/symbols.h"
#include "runtimes/python/testing/installed.h"

namespace gp::runtimes::python {
namespace {

// Prints the offsets as the compiler sees them, in terms of struct gp_python.
constexpr const char* kProbe = R"(
#define Py_BUILD_CORE
#include <Python.h>
#include <internal/pycore_frame.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#include <stddef.h>
#include <stdio.h>
#define SHOW(name, value) printf("%s %zu\n", #name, (size_t)(value))
int main(void)
{
	SHOW(version, PY_VERSION_HEX >> 16);
	SHOW(interpreters_head, offsetof(_PyRuntimeState, interpreters.head));
	SHOW(interpreter_next, offsetof(PyInterpreterState, next));
	SHOW(threads_head, offsetof(PyInterpreterState, threads.head));
	SHOW(thread_next, offsetof(PyThreadState, next));
	SHOW(thread_id, offsetof(PyThreadState, thread_id));
	SHOW(thread_interpreter, offsetof(PyThreadState, interp));
	SHOW(object_type, offsetof(PyObject, ob_type));
	SHOW(type_basic_size, offsetof(PyTypeObject, tp_basicsize));
	SHOW(frame_previous, offsetof(_PyInterpreterFrame, previous));
	SHOW(frame_end, offsetof(_PyInterpreterFrame, localsplus));
	SHOW(code_start, offsetof(PyCodeObject, co_code_adaptive));
	SHOW(code_first_line, offsetof(PyCodeObject, co_firstlineno));
	SHOW(code_name, offsetof(PyCodeObject, co_name));
	SHOW(code_qualname, offsetof(PyCodeObject, co_qualname));
	SHOW(code_filename, offsetof(PyCodeObject, co_filename));
	SHOW(code_line_table, offsetof(PyCodeObject, co_linetable));
	SHOW(bytes_data, offsetof(PyBytesObject, ob_sval));
	SHOW(bytes_size, offsetof(PyVarObject, ob_size));
	SHOW(unicode_length, offsetof(PyASCIIObject, length));
	SHOW(unicode_state, offsetof(PyASCIIObject, state));
	SHOW(unicode_ascii_data, sizeof(PyASCIIObject));
	SHOW(unicode_compact_data, sizeof(PyCompactUnicodeObject));
#if PY_VERSION_HEX < 0x030c0000
	SHOW(frame_entry, offsetof(_PyInterpreterFrame, is_entry));
	SHOW(entry_value, 1);
	SHOW(entry_is_frame, 1);
	SHOW(thread_status, 0);
#else
	PyThreadState thread;
	memset(&thread, 0, sizeof(thread));
	thread._status.active = 1;
	SHOW(frame_entry, offsetof(_PyInterpreterFrame, owner));
	SHOW(entry_value, FRAME_OWNED_BY_CSTACK);
	SHOW(entry_is_frame, 0);
	SHOW(thread_status, offsetof(PyThreadState, _status));
	SHOW(status_active, *(unsigned *)&thread._status);
#endif
#if PY_VERSION_HEX < 0x030d0000
	SHOW(thread_frame, offsetof(PyThreadState, cframe));
	SHOW(frame_indirect, 1);
	SHOW(cframe_frame, offsetof(_PyCFrame, current_frame));
	SHOW(frame_code, offsetof(_PyInterpreterFrame, f_code));
	SHOW(frame_instruction, offsetof(_PyInterpreterFrame, prev_instr));
#else
	SHOW(thread_frame, offsetof(PyThreadState, current_frame));
	SHOW(frame_indirect, 0);
	SHOW(cframe_frame, 0);
	SHOW(frame_code, offsetof(_PyInterpreterFrame, f_executable));
	SHOW(frame_instruction, offsetof(_PyInterpreterFrame, instr_ptr));
#endif
	return 0;
}
)";

std::map<std::string, uint64_t> ours(const gp_python& python) {
  return {{"version", python.version},
          {"interpreters_head", python.interpreters_head},
          {"interpreter_next", python.interpreter_next},
          {"threads_head", python.threads_head},
          {"thread_next", python.thread_next},
          {"thread_id", python.thread_id},
          {"thread_interpreter", kThreadInterpreter},
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
          {"entry_value", python.entry_value},
          {"entry_is_frame", python.entry_is_frame},
          {"frame_end", GP_PYTHON_FRAME_BYTES},
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
          {"unicode_ascii_data", python.unicode_ascii_data},
          {"unicode_compact_data", python.unicode_compact_data}};
}

// The probe's output for one interpreter's headers; empty when they are not installed.
std::string compile_probe(const Installed& python) {
  if (access((python.include + "/internal/pycore_frame.h").c_str(), R_OK) != 0) return {};
  const std::string base = testing::TempDir() + "gp_python_probe_" + std::to_string(getpid());
  std::ofstream(base + ".c") << kProbe;
  std::string told = output_of("cc -w -I" + python.include + " -I" + python.include + "/internal " + base + ".c -o " +
                               base + " && " + base);
  unlink(base.c_str());
  unlink((base + ".c").c_str());
  return told;
}

std::optional<gp_python> our_offsets(const Installed& python) {
  auto image = elf::Image::open(python.binary);
  if (!image) return std::nullopt;
  const Symbols symbols = find_symbols(*image);
  if (!symbols.runtime) return std::nullopt;
  if (python.version.starts_with("3.11")) return offsets_of(kPython311);
  if (python.version.starts_with("3.12")) return offsets_of(kPython312);
  auto read = read_debug_offsets(image->bytes_at(symbols.runtime->address));
  return read ? std::optional(*read) : std::nullopt;
}

TEST(Offsets, AreThoseOfTheHeaders) {
  size_t checked = 0;
  for (const auto& python : installed_pythons()) {
    std::istringstream told(compile_probe(python));
    const auto offsets = our_offsets(python);
    if (told.str().empty()) continue;
    ASSERT_TRUE(offsets) << python.binary;
    EXPECT_TRUE(offsets_are_sane(*offsets));
    const auto expected = ours(*offsets);
    std::string name;
    uint64_t value = 0;
    while (told >> name >> value) {
      ASSERT_TRUE(expected.contains(name)) << name;
      EXPECT_EQ(expected.at(name), value) << python.version << " " << name;
    }
    ++checked;
  }
  if (checked == 0) GTEST_SKIP() << "no CPython 3.11-3.13 with its internal headers and a C compiler";
}

// A description as 3.13 has it, all offsets zero but those that must not be.
std::vector<uint8_t> description() {
  std::vector<uint8_t> bytes(kDebugOffsetsBytes);
  std::memcpy(bytes.data(), "xdebugpy", 8);
  const auto put = [&bytes](size_t word, uint64_t value) { std::memcpy(&bytes[8 + word * 8], &value, 8); };
  put(0, 0x030d00f0);
  put(42, 200);
  return bytes;
}

TEST(DebugOffsets, ChecksWhatItReads) {
  EXPECT_TRUE(read_debug_offsets(description()));
  for (size_t size = 0; size < kDebugOffsetsBytes; size += 7)
    EXPECT_FALSE(read_debug_offsets(Bytes(description()).first(size)));

  const auto with = [](size_t word, uint64_t value) {
    auto bytes = description();
    std::memcpy(&bytes[8 + word * 8], &value, 8);
    return read_debug_offsets(bytes);
  };
  EXPECT_EQ(with(1, 1).error().code(), ErrorCode::kUnsupported);           // free-threaded
  EXPECT_EQ(with(0, 0x030e00f0).error().code(), ErrorCode::kUnsupported);  // 3.14
  EXPECT_EQ(with(23, 164).error().code(), ErrorCode::kMalformed);          // across the end of what is read
  EXPECT_EQ(with(23, 12).error().code(), ErrorCode::kMalformed);           // not aligned
  EXPECT_EQ(with(35, UINT64_MAX).error().code(), ErrorCode::kMalformed);
  EXPECT_EQ(with(42, 8).error().code(), ErrorCode::kMalformed);  // code begins inside its header
  auto bytes = description();
  bytes[0] = 'y';
  EXPECT_EQ(read_debug_offsets(bytes).error().code(), ErrorCode::kMalformed);
}

TEST(Offsets, KnowsTwoVersionsByTable) {
  EXPECT_TRUE(offsets_are_sane(*offsets_of(kPython311)));
  EXPECT_TRUE(offsets_are_sane(*offsets_of(kPython312)));
  EXPECT_FALSE(offsets_of(kPython313));
  EXPECT_FALSE(offsets_of(0x030a));
}

}  // namespace
}  // namespace gp::runtimes::python
