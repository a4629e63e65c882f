#include "runtimes/python/python_runtime.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>

#include "runtimes/python/offsets.h"
#include "runtimes/python/testing/installed.h"
#include "runtimes/python/version.h"
#include "runtimes/runtimes.h"

namespace gp::runtimes::python {
namespace {

TEST(PythonRuntime, IsKnown) {
  ASSERT_FALSE(all().empty());
  EXPECT_EQ(all()[0]->name(), "python");
}

TEST(PythonRuntime, FindsInstalledInterpreters) {
  const auto pythons = installed_pythons();
  if (pythons.empty()) GTEST_SKIP() << "no CPython installed";
  for (const auto& python : pythons) {
    auto image = elf::Image::open(python.binary);
    ASSERT_TRUE(image) << image.error().message();
    const auto file = PythonRuntime().detect(*image, python.binary);
    ASSERT_TRUE(file) << python.binary;
    EXPECT_TRUE(file->supported) << python.binary;
    const std::string number = file->version.substr(0, file->version.find('t'));  // "3.13t": free-threaded
    EXPECT_TRUE(python.version.starts_with(number + ".")) << file->version;
    EXPECT_EQ(number.size() < file->version.size(), python.include.ends_with('t')) << python.include;
    EXPECT_EQ(file->full_version, python.version);
    // With tail calls each instruction is a function, of 256 and some labels.
    const bool is_loop = file->instructions.empty();
    EXPECT_GT(file->eval[0].end - file->eval[0].start, is_loop ? 20000U : 200U) << python.binary;
    EXPECT_TRUE(is_loop || file->instructions.size() > 200U) << python.binary;
    EXPECT_NE(file->state[kCodeType].value, 0U);
  }
}

// Before 3.11 what tells a loop without a frame of its own is found in the code.
TEST(PythonRuntime, FindsWhereALoopLinksItsFrame) {
  size_t checked = 0;
  for (const auto& python : installed_pythons()) {
    auto image = elf::Image::open(python.binary);
    ASSERT_TRUE(image);
    const auto file = PythonRuntime().detect(*image, python.binary);
    ASSERT_TRUE(file);
    const auto layout = targets::layout_of<gp_python>(file->entry);
    if (layout.object_frames == 0) continue;
    EXPECT_EQ(layout.loop_start, file->eval[0].start.value);
    EXPECT_GT(layout.unlinked[0].end, 20U) << python.binary;
    EXPECT_LT(layout.unlinked[0].end, 512U) << python.binary;
    EXPECT_GT(layout.unlinked[1].end, layout.unlinked[1].start) << python.binary;
    EXPECT_GT(layout.loop_cfa, 56U) << python.binary;
    ++checked;
  }
  if (checked == 0) GTEST_SKIP() << "no CPython before 3.11 installed";
}

TEST(PythonRuntime, SeesNoneInOtherFiles) {
  auto image = elf::Image::open("/proc/self/exe");
  ASSERT_TRUE(image);
  EXPECT_FALSE(PythonRuntime().detect(*image, "/usr/bin/python3.11"));
}

TEST(Version, IsInNames) {
  EXPECT_EQ(version_in_name("libpython3.9.so.1.0").text(), "3.9");
  EXPECT_EQ(version_in_name("/opt/python3/bin/python3.10").text(), "3.10");
  EXPECT_EQ(version_in_name("/usr/bin/python3").text(), "?");
  EXPECT_EQ(version_in_name("python").text(), "?");
  EXPECT_EQ(version_in_name("python999.1").text(), "?");
  EXPECT_EQ(version_in_name("uwsgi").text(), "?");
}

// Words of memory by address; others cannot be read.
struct Words final : targets::MemoryReader {
  std::map<uint64_t, uint64_t> words;

  bool read(Pc address, std::span<uint8_t> to) const override {
    const auto word = words.find(address.value);
    if (word == words.end() || to.size() != sizeof(uint64_t)) return false;
    std::memcpy(to.data(), &word->second, sizeof(uint64_t));
    return true;
  }
};

TEST(Attach, TakesWhatJustStartedAndChecksWhatRuns) {
  targets::RuntimeFile file;
  file.version = "3.11";
  EXPECT_EQ(PythonRuntime().attach(file, Words(), 0).error().code(), ErrorCode::kUnsupported);

  file.supported = true;
  file.entry = targets::entry_with(GP_RUNTIME_PYTHON, *offsets_of(kPython311));
  file.state[kRuntimeState] = {0x100};
  file.state[kCodeType] = {0x200};
  const uint64_t bias = 0x10000;
  Words memory;
  const auto attach = [&] { return PythonRuntime().attach(file, memory, bias); };
  EXPECT_EQ(attach().error().code(), ErrorCode::kNotFound);  // not readable
  memory.words[0x10100 + 40] = 0;
  EXPECT_TRUE(attach());  // just started: its first samples count
  memory.words[0x10100 + 40] = 0x5000;
  memory.words[0x5010] = 0x6000;
  memory.words[0x6010] = 0x7000;
  EXPECT_EQ(attach().error().code(), ErrorCode::kMalformed);  // the thread is another interpreter's
  memory.words[0x6010] = 0x5000;
  const auto entry = attach();
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->kind, uint32_t{GP_RUNTIME_PYTHON});
  const auto python = targets::layout_of<gp_python>(*entry);
  EXPECT_EQ(python.runtime_address, 0x10100U);
  EXPECT_EQ(python.code_type, 0x10200U);
}

}  // namespace
}  // namespace gp::runtimes::python
