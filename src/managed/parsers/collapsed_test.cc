#include "managed/parsers/collapsed.h"

#include <gtest/gtest.h>

namespace gp::managed {
namespace {

using profile::FrameKind;

TEST(CollapsedLine, IsFramesAndACount) {
  const auto line = parse_collapsed_line("main;a b;c 12");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->frames, (std::vector<std::string_view>{"main", "a b", "c"}));
  EXPECT_EQ(line->count, 12U);
  EXPECT_EQ(parse_collapsed_line(";;a;; 1")->frames, (std::vector<std::string_view>{"a"}));
  EXPECT_EQ(parse_collapsed_line("a 0")->count, 0U);
}

TEST(CollapsedLine, IsNotAnythingElse) {
  for (const char* text :
       {"", " ", "main", "main;", " 1", "; 1", "a x", "a -1", "a 1.5", "a 99999999999999999999", "a 1 "}) {
    EXPECT_FALSE(parse_collapsed_line(text)) << '"' << text << '"';
  }
}

TEST(CollapsedLine, KeepsTheLeafEndOfWhatIsTooDeep) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::to_string(i) + ";";
  text += "leaf 1";  // the frames are views of it
  const auto line = parse_collapsed_line(text);
  ASSERT_EQ(line->frames.size(), kMaxToolFrames);
  EXPECT_EQ(line->frames.back(), "leaf");
  EXPECT_EQ(line->frames.front(), "3977");
}

TEST(CollapsedLine, GoesIntoStacks) {
  profile::ToolStacks stacks{profile::Process()};
  EXPECT_TRUE(add_collapsed_line("a (x.py:1);b (x.py:2) 3", python_frame, stacks));
  EXPECT_TRUE(add_collapsed_line("a (x.py:1) 4", python_frame, stacks));
  EXPECT_FALSE(add_collapsed_line("nonsense", python_frame, stacks));
  EXPECT_EQ(stacks.total(), 7U);
  EXPECT_EQ(stacks.functions().size(), 2U);
}

TEST(PythonFrame, HasFileAndLine) {
  const auto frame = python_frame("Burner.burn (/srv/my app (old)/lister.py:42)");
  EXPECT_EQ(frame.name, "Burner.burn (/srv/my app");  // blanks and parentheses in a path cannot be told apart
  const auto usual = python_frame("<module> (/srv/lister.py:42)");
  EXPECT_EQ(usual.name, "<module>");
  EXPECT_EQ(usual.file, "/srv/lister.py");
  EXPECT_EQ(usual.line, 42U);
  EXPECT_EQ(usual.kind, FrameKind::kPython);
  EXPECT_EQ(profile::frame_text(usual), "<module> (/srv/lister.py:42)_[p]");
  EXPECT_EQ(python_frame("f (<frozen importlib._bootstrap>:7)").file, "<frozen importlib._bootstrap>");
  EXPECT_EQ(python_frame("f (x.py)").file, "x.py");
  EXPECT_EQ(python_frame("process 12").name, "process 12");
  EXPECT_EQ(python_frame("f (x.py:99999999999)").line, 0U);
}

TEST(RubyFrame, HasFileAndLine) {
  const auto frame = ruby_frame("block in fib - /srv/a - b.rb:12");
  EXPECT_EQ(frame.name, "block in fib - /srv/a");
  const auto usual = ruby_frame("fibonacci - fib.rb:3");
  EXPECT_EQ(usual.name, "fibonacci");
  EXPECT_EQ(usual.file, "fib.rb");
  EXPECT_EQ(usual.line, 3U);
  EXPECT_EQ(usual.kind, FrameKind::kRuby);
  EXPECT_EQ(ruby_frame("sleep [c function] - (unknown)").file, "(unknown)");
  EXPECT_EQ(ruby_frame("main").name, "main");
}

TEST(JavaFrame, KeepsItsAnnotation) {
  EXPECT_EQ(java_frame("Fib.main([Ljava/lang/String|)V_[j]").name, "Fib.main([Ljava/lang/String|)V_[j]");
  EXPECT_EQ(java_frame("Fib.fib_[i]").kind, FrameKind::kJit);
  EXPECT_EQ(profile::frame_text(java_frame("do_syscall_64_[k]")), "do_syscall_64_[k]");
  EXPECT_EQ(java_frame("do_syscall_64_[k]").kind, FrameKind::kKernel);
  EXPECT_EQ(java_frame("jni_NewObject").kind, FrameKind::kNative);
  EXPECT_EQ(java_frame("_[j]").name, "_[j]");
  EXPECT_EQ(java_frame("x]").kind, FrameKind::kNative);
}

}  // namespace
}  // namespace gp::managed
