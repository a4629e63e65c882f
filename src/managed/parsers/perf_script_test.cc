#include "managed/parsers/perf_script.h"

#include <gtest/gtest.h>

#include "base/line_cutter.h"

namespace gp::managed {
namespace {

using profile::FrameKind;

PerfScript read(std::string_view text) {
  PerfScript script;
  LineCutter cutter(4096, [&](std::string_view line) {
    script.line(line);
    return true;
  });
  cutter.feed(text);
  cutter.finish();
  script.finish();
  return script;
}

// Frames of a process' only stack, root first.
std::string only_stack(const profile::ToolStacks& stacks) {
  EXPECT_EQ(stacks.weights().size(), 1U);
  std::string text;
  for (uint32_t node = stacks.weights().begin()->first; node != 0; node = stacks.nodes()[node].parent) {
    text.insert(0, ";" + profile::frame_text(stacks.functions()[stacks.nodes()[node].function]));
  }
  return text;
}

// As perf 6.1 prints it with -F comm,pid,tid,ip,sym,dso.
constexpr std::string_view kOutput =
    "cc1plus 29672/29673 \n"
    "\tffffffff821f5127 exc_page_fault+0xd7 ([kernel.kallsyms])\n"
    "\t          1674b2 std::function<void (int)>::operator()(int) const+0x39 (/usr/lib/libx.so.6 (deleted))\n"
    "\t          80378d [unknown] (/usr/lib/gcc/cc1plus)\n"
    "\t    7f4a31e235e8 [unknown] ([unknown])\n"
    "\n"
    "Web Content 4/2 7/8 \n"
    "\t               1 main+0x1 (/bin/x)\n"
    "\n"
    "swapper     0/0     \n"
    "\tffffffff81000c82 idle ([kernel.kallsyms])\n"
    "\n";

TEST(PerfScript, ReadsSamples) {
  PerfScript script = read(kOutput);
  EXPECT_EQ(script.malformed(), 0U);
  ASSERT_EQ(script.processes().size(), 2U);
  const auto& compiler = script.processes().at(29672);
  EXPECT_EQ(compiler.stacks.process().comm, "cc1plus");
  EXPECT_EQ(only_stack(compiler.stacks),
            ";[unknown];(cc1plus);std::function<void (int)>::operator()(int) const;exc_page_fault_[k]");
  EXPECT_EQ(compiler.user_frames, 3U);
  EXPECT_EQ(script.processes().at(7).stacks.process().comm, "Web Content 4/2");
}

TEST(PerfScript, CountsWhatItCannotRead) {
  PerfScript script = read("no head at all\nx 1/1\n\tzz bad (frame)\n\t1 f (x)\n\t\n\tlost frame\n");
  EXPECT_EQ(script.malformed(), 3U);
  EXPECT_EQ(script.processes().size(), 1U);
}

TEST(PerfScript, ReadsFramesOneByOne) {
  EXPECT_EQ(parse_perf_frame("\t 12 a+0x1 (/x/lib (1)/y.so)")->module, "y.so");
  EXPECT_EQ(parse_perf_frame("\t 12 f ([nvidia])")->kind, FrameKind::kKernel);
  EXPECT_EQ(parse_perf_frame("\t 12 f ([vdso])")->kind, FrameKind::kNative);
  EXPECT_EQ(parse_perf_frame("\t 12 Lib.f+0x10 (/tmp/perf-12.map)")->name, "Lib.f");
  EXPECT_FALSE(parse_perf_frame("\t 12"));
  EXPECT_FALSE(parse_perf_frame("\t 12 f"));
  EXPECT_FALSE(parse_perf_frame("\t 12345678901234567 f (x)"));
  EXPECT_FALSE(parse_perf_frame(""));
  EXPECT_FALSE(parse_perf_head("x 1/y"));
  EXPECT_FALSE(parse_perf_head("1/1"));
  EXPECT_FALSE(parse_perf_head("x 99999999999/1"));
}

}  // namespace
}  // namespace gp::managed
