// Collectors against the real tools, as far as tests/tools/run.py found them; what is missing is skipped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <regex>
#include <string>
#include <thread>

#include "managed/launcher.h"
#include "managed/program.h"
#include "managed/tool_table.h"

namespace gp::managed {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr uint32_t kHz = 99;

class RealTool : public testing::Test {
 protected:
  void SetUp() override { launcher_ = std::move(*Launcher::make()); }

  // A process to look at, given time to get going.
  void start_target(const std::string& program, const std::vector<std::string>& words) {
    const auto path = program.starts_with("/") ? std::optional(program) : find_program(program);
    if (!path) GTEST_SKIP() << program << " is not installed";
    ProcessSpec spec;
    spec.name = "target";
    spec.arguments = {*path};
    spec.arguments.insert(spec.arguments.end(), words.begin(), words.end());
    spec.environment = tool_environment();
    spec.patience = 100ms;
    target_ = std::make_unique<ManagedProcess>(std::move(*launcher_->start(std::move(spec))));
    const auto ready = steady_clock::now() + 3s;
    while (steady_clock::now() < ready) {
      ASSERT_FALSE(target_->advance()) << target_->result().describe();
      std::this_thread::sleep_for(20ms);
    }
  }

  std::shared_ptr<Collector> chosen(std::string_view option, std::string_view word) {
    ToolChoice choice;
    EXPECT_TRUE(choose_tool(option, word, choice));
    Collectors made = make_collectors(choice, *launcher_);
    return made.collectors.empty() ? nullptr : made.collectors.front();
  }

  // All its stacks, a line each, root first.
  std::string collect(Collector& collector, std::chrono::seconds length) {
    Window window;
    window.end = steady_clock::now() + length;
    window.deadline = window.end + 30s;
    window.frequency_hz = kHz;
    window.pids = {target_->pid()};
    const Collection collection = collector.collect(window, {});
    for (const auto& failure : collection.failures) ADD_FAILURE() << failure.reason;
    std::string text;
    for (const auto& stacks : collection.processes) {
      EXPECT_EQ(stacks.process().key.pid, target_->pid());
      EXPECT_NE(stacks.process().key.start_ticks, 0U);
      total_ += stacks.total();
      for (const auto& [leaf, weight] : stacks.weights()) {
        std::string line;
        for (uint32_t node = leaf; node != 0; node = stacks.nodes()[node].parent) {
          line.insert(0, ";" + profile::frame_text(stacks.functions()[stacks.nodes()[node].function]));
        }
        text += fmt::format("{} {}\n", line, weight);
      }
    }
    return text;
  }

  static void expect(const std::string& text, const std::string& pattern) {
    EXPECT_TRUE(std::regex_search(text, std::regex(pattern))) << pattern << " is not in:\n" << text.substr(0, 3000);
  }

  std::unique_ptr<Launcher> launcher_;
  std::unique_ptr<ManagedProcess> target_;
  uint64_t total_ = 0;
};

#define COLLECTOR_OR_SKIP(name, option, word)                        \
  const auto name = chosen(option, word);                            \
  if (name == nullptr) GTEST_SKIP() << word << " is not installed"

TEST_F(RealTool, PySpy) {
  COLLECTOR_OR_SKIP(collector, "--python-mode", "pyspy");
  start_target("python3", {"-c",
                           "import time\n"
                           "def fibonacci(n): return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)\n"
                           "end = time.time() + 60\n"
                           "while time.time() < end: fibonacci(15)\n"});
  if (IsSkipped()) return;
  const std::string text = collect(*collector, 3s);
  expect(text, R"(;<module> \(<string>:4\)_\[p\];fibonacci \(<string>:2\)_\[p\];fibonacci )");
  EXPECT_NEAR(static_cast<double>(total_), 150, 60);  // 50 Hz, its cap, not 99
}

TEST_F(RealTool, AsyncProfiler) {
  for (const auto& [mode, pattern] : std::vector<std::pair<std::string, std::string>>{
           {"cpu", R"(Busy\.lambda[^;]*;Busy\.fibonacci\(I\)J_\[[j01i]\];Busy\.fibonacci)"},
           {"itimer", R"(Busy\.fibonacci\(I\)J_\[)"},
           {"wall", R"(Busy\.fibonacci\(I\)J_\[)"},
           {"alloc", R"(Busy\.allocate\(\)V_\[[j01i]\];byte\[\])"},
           {"lock", R"(Busy\.contend)"}}) {
    COLLECTOR_OR_SKIP(collector, "--java-async-profiler-mode", mode);
    if (!target_) start_target("java", {GP_TESTS_DIR "/tools/Busy.java", "120"});
    if (IsSkipped() || HasFatalFailure()) return;
    SCOPED_TRACE(mode);
    expect(collect(*collector, 2s), pattern);
  }
}

TEST_F(RealTool, Rbspy) {
  COLLECTOR_OR_SKIP(collector, "--ruby-mode", "rbspy");
  start_target("ruby", {"-e", "def fibonacci(n) n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2) end\nloop { fibonacci(15) }"});
  if (IsSkipped()) return;
  expect(collect(*collector, 3s), R"(fibonacci \((-e|unknown):1\)_\[rb\];fibonacci)");
}

TEST_F(RealTool, Perf) {
  for (const auto mode : {PerfMode::kFramePointers, PerfMode::kDwarf, PerfMode::kSmart}) {
    const auto collector = make_perf_collector(mode, *launcher_);
    if (!collector) GTEST_SKIP() << collector.error().message();
    if (!target_) start_target(GP_FAKE_TOOL, {"burn", "60000"});
    if (IsSkipped()) return;
    SCOPED_TRACE(static_cast<int>(mode));
    expect(collect(**collector, 2s), R"(;main(;clock)?[^\n]*\n)");
  }
}

TEST_F(RealTool, LeavesNothingInAJvmItWasKilledOn) {
  COLLECTOR_OR_SKIP(collector, "--java-mode", "ap");
  start_target("java", {GP_TESTS_DIR "/tools/Busy.java", "120"});
  if (IsSkipped()) return;
  Window window;
  window.end = steady_clock::now() + 60s;
  window.deadline = steady_clock::now() + 1500ms;
  window.frequency_hz = kHz;
  window.pids = {target_->pid()};
  EXPECT_EQ(collector->collect(window, {}).failures.size(), 1U);
  expect(collect(*collector, 2s), R"(Busy\.fibonacci)");  // else: the profiler has been started already
}

}  // namespace
}  // namespace gp::managed
