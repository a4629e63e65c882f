#include "managed/tool_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "managed/tool.h"

namespace gp::managed {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;

TEST(ToolTable, TakesTheOldAgentsWords) {
  ToolChoice choice;
  EXPECT_FALSE(choice.any());
  for (const auto& [option, word] : std::vector<std::pair<const char*, const char*>>{{"--python-mode", "pyspy"},
                                                                                     {"--ruby-mode", "rbspy"},
                                                                                     {"--php-mode", "phpspy"},
                                                                                     {"--dotnet-mode", "dotnet-trace"},
                                                                                     {"--java-mode", "ap"},
                                                                                     {"--perf-mode", "smart"}}) {
    EXPECT_TRUE(choose_tool(option, word, choice)) << option;
  }
  EXPECT_TRUE(choice.py_spy && choice.rbspy && choice.phpspy && choice.dotnet_trace);
  EXPECT_EQ(choice.async_profiler, "cpu");
  EXPECT_EQ(choice.perf, PerfMode::kSmart);
  EXPECT_TRUE(choose_tool("--java-async-profiler-mode", "alloc", choice));
  EXPECT_TRUE(choose_tool("--java-mode", "ap", choice));
  EXPECT_EQ(choice.async_profiler, "alloc");
  for (const char* option :
       {"--python-mode", "--ruby-mode", "--php-mode", "--dotnet-mode", "--java-mode", "--perf-mode"}) {
    EXPECT_TRUE(choose_tool(option, "none", choice));
  }
  EXPECT_FALSE(choice.any() || choice.perf);
}

TEST(ToolTable, RefusesOthers) {
  ToolChoice choice;
  const auto refused = choose_tool("--python-mode", "austin", choice);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUsage);
  EXPECT_EQ(refused.error().message(), "--python-mode 'austin': give one of auto, pyperf, pyspy, py-spy, disabled");
}

TEST(ToolTable, AnAbsentToolIsOneLine) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const auto launcher = Launcher::make();
  ToolChoice choice;
  choice.py_spy = choice.phpspy = true;
  const Collectors made = make_collectors(choice, **launcher);
  EXPECT_THAT(make_perf_collector(PerfMode::kDwarf, **launcher).error().message(), HasSubstr("perf is not installed"));
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_TRUE(made.collectors.empty());
  ASSERT_EQ(made.absent.size(), 2U);
  EXPECT_EQ(made.absent[0], "py-spy is not installed (py-spy is not in PATH): Python processes are walked as usual");
}

TEST(ToolTable, CommandLines) {
  const ToolRun run{.program = "/bin/tool",
                    .pid = 123,
                    .namespace_pid = 7,
                    .frequency_hz = 50,
                    .duration = std::chrono::seconds(3725),
                    .mode = "alloc",
                    .result_file = "/tmp/x/123.trace"};
  EXPECT_THAT(kPySpy.arguments(run),
              IsSupersetOf({"/bin/tool", "record", "--nonblocking", "--gil", "50", "3725", "123"}));
  EXPECT_THAT(kRbspy.arguments(run), IsSupersetOf({"record", "--nonblocking", "collapsed", "50", "3725", "123"}));
  EXPECT_THAT(kAsyncProfiler.arguments(run), IsSupersetOf({"-e", "alloc", "--alloc", "2m", "-d", "3725", "123"}));
  EXPECT_THAT(kDotnetTrace.arguments(run), IsSupersetOf({"--process-id", "7", "--duration", "00:01:02:05"}));
  EXPECT_THAT(kDotnetTrace.environment(run), testing::ElementsAre("TMPDIR=/proc/123/root/tmp"));
  ToolRun timed = run;
  timed.mode = "itimer";
  EXPECT_THAT(kAsyncProfiler.arguments(timed), IsSupersetOf({"-e", "itimer", "-i", "20000000"}));
}

TEST(ToolTable, KnowsProcessesByWhatTheyMap) {
  EXPECT_TRUE(kPySpy.looks_at("/usr/bin/python3.11"));
  EXPECT_TRUE(kPySpy.looks_at("/opt/lib/libpython3.12.so.1.0 (deleted)"));
  EXPECT_FALSE(kPySpy.looks_at("/usr/bin/python3-config"));
  EXPECT_FALSE(kPySpy.looks_at("/usr/lib/python3/dist-packages/x.so"));
  EXPECT_TRUE(kRbspy.looks_at("/usr/bin/ruby3.1"));
  EXPECT_TRUE(kRbspy.looks_at("/usr/lib/libruby-3.1.so.3.1"));
  EXPECT_TRUE(kAsyncProfiler.looks_at("/usr/lib/jvm/lib/server/libjvm.so"));
  EXPECT_TRUE(kDotnetTrace.looks_at("/usr/share/dotnet/libcoreclr.so"));
  EXPECT_FALSE(kDotnetTrace.looks_at(""));
}

}  // namespace
}  // namespace gp::managed
