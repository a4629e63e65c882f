#include "managed/tool_collector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "managed/mapped_names.h"
#include "managed/parsers/collapsed.h"

namespace gp::managed {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;

// The "language" of these tests: whatever runs the fake tool.
bool runs_the_fake(std::string_view file) { return basename_of(file) == "gp_fake_tool"; }

profile::Function plain(std::string_view text) {
  profile::Function function;
  function.name = text;
  return function;
}

bool take_line(std::string_view line, profile::ToolStacks& stacks) { return add_collapsed_line(line, plain, stacks); }

// A tool whose script is its mode.
Tool scripted() {
  Tool tool{.name = "scripted", .program = "sh", .language = "Fake", .looks_at = runs_the_fake, .take_line = take_line};
  tool.max_hz = 40;
  tool.time_limit = 1s;
  tool.arguments = [](const ToolRun& run) {
    return Tool::Words{
        run.program, "-c", run.mode, "scripted", std::to_string(run.frequency_hz), std::to_string(run.pid)};
  };
  return tool;
}

class ToolCollectorTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = Launcher::make();
    ASSERT_TRUE(made);
    launcher_ = std::move(*made);
    for (int i = 0; i < 2; ++i) {
      ProcessSpec spec;
      spec.name = "target";
      spec.arguments = {GP_FAKE_TOOL, "hang"};
      spec.patience = 50ms;
      targets_.push_back(std::make_unique<ManagedProcess>(std::move(*launcher_->start(std::move(spec)))));
    }
  }

  Collection collect(const Tool& tool, const std::string& script, const std::vector<int32_t>& pids = {},
                     const std::stop_token& cancel = {}) {
    Window window;
    window.end = steady_clock::now() + 1s;
    window.deadline = window.end + 3s;
    window.frequency_hz = 99;
    window.pids = pids.empty() ? std::vector<int32_t>{targets_[0]->pid(), targets_[1]->pid()} : pids;
    return ToolCollector(tool, "/bin/sh", script, *launcher_).collect(window, cancel);
  }
  static std::vector<std::string> reasons(const Collection& collection) {
    std::vector<std::string> texts(collection.failures.size());
    std::ranges::transform(collection.failures, texts.begin(), &CollectFailure::reason);
    return texts;
  }

  std::unique_ptr<Launcher> launcher_;
  std::vector<std::unique_ptr<ManagedProcess>> targets_;  // after the launcher: goes first
};

TEST_F(ToolCollectorTest, RunsOnEveryProcessOfItsKind) {
  const auto collection = collect(scripted(), "echo main\\;at-$1 2; echo \"main;of-$2 3\"");
  EXPECT_THAT(reasons(collection), ElementsAre());
  ASSERT_EQ(collection.processes.size(), 2U);
  for (const auto& stacks : collection.processes) {
    EXPECT_EQ(stacks.total(), 5U);
    EXPECT_EQ(stacks.functions()[1].name, "at-40");  // its cap, not the session's rate
    EXPECT_EQ(stacks.functions()[2].name, fmt::format("of-{}", stacks.process().key.pid));
    EXPECT_NE(stacks.process().key.start_ticks, 0U);
    EXPECT_EQ(stacks.process().comm, "gp_fake_tool");
  }
}

TEST_F(ToolCollectorTest, OnlyTheProcessesAskedFor) {
  const auto collection = collect(scripted(), "echo a 1", {targets_[1]->pid(), 1});
  ASSERT_EQ(collection.processes.size(), 1U);
  EXPECT_EQ(collection.processes[0].process().key.pid, targets_[1]->pid());
}

TEST_F(ToolCollectorTest, AFailureHasAReasonAndNoStacks) {
  const auto collection = collect(scripted(), "echo a 1; echo 'Error: no python' >&2; exit 3", {targets_[0]->pid()});
  EXPECT_TRUE(collection.processes.empty());
  EXPECT_THAT(reasons(collection), ElementsAre("scripted: exit code 3: Error: no python"));
  EXPECT_EQ(collection.failures[0].process->pid, targets_[0]->pid());
}

TEST_F(ToolCollectorTest, OneThatFailsCostsTheOthersNothing) {
  const auto script = fmt::format("[ $2 = {} ] && kill -SEGV $$; echo a 1", targets_[0]->pid());
  const auto collection = collect(scripted(), script);
  ASSERT_EQ(collection.processes.size(), 1U);
  EXPECT_EQ(collection.processes[0].process().key.pid, targets_[1]->pid());
  EXPECT_THAT(reasons(collection), ElementsAre(HasSubstr("killed by signal 11")));
}

TEST_F(ToolCollectorTest, WhatIsLateIsKilledAndCleanedUpAfter) {
  const std::string trace = testing::TempDir() + "cleaned_up";
  std::filesystem::remove(trace);
  Tool tool = scripted();
  tool.clean_up = [](const ToolRun& run) {
    return Tool::Words{run.program, "-c", fmt::format("echo $1 > {}cleaned_up", testing::TempDir()), "scripted",
                       std::to_string(run.pid)};
  };
  const auto start = steady_clock::now();
  const auto collection = collect(tool, "sleep 60", {targets_[0]->pid()});
  EXPECT_LT(steady_clock::now() - start, 10s);
  EXPECT_THAT(reasons(collection), ElementsAre(HasSubstr("timed out")));
  EXPECT_EQ(*os::read_file(trace, 100), fmt::format("{}\n", targets_[0]->pid()));
}

TEST_F(ToolCollectorTest, CancelledAtOnce) {
  std::stop_source stop;
  const std::jthread canceller([&] {
    std::this_thread::sleep_for(100ms);
    stop.request_stop();
  });
  const auto start = steady_clock::now();
  const auto collection = collect(scripted(), "sleep 60", {}, stop.get_token());
  EXPECT_LT(steady_clock::now() - start, 900ms);
  EXPECT_THAT(reasons(collection), ElementsAre(HasSubstr("was cancelled"), HasSubstr("was cancelled")));
}

TEST_F(ToolCollectorTest, OutputThatMakesNoSenseIsAFailure) {
  EXPECT_THAT(reasons(collect(scripted(), "echo hello; echo", {targets_[0]->pid()})),
              ElementsAre(HasSubstr("none of its 2 lines can be understood")));
  const auto idle = collect(scripted(), "true", {targets_[0]->pid()});  // a process that did not run
  EXPECT_TRUE(idle.processes.empty() && idle.failures.empty());
}

TEST_F(ToolCollectorTest, FilesAreReadAndGoneAfterwards) {
  Tool tool = scripted();
  tool.writes_file = true;
  tool.arguments = [](const ToolRun& run) {
    return Tool::Words{run.program, "-c", run.mode, "scripted", run.result_file};
  };
  tool.take_file = [](const std::string& path, const ToolRun& /*run*/, profile::ToolStacks& stacks) -> Result<void> {
    GP_ASSIGN(const std::string text, os::read_file(path, 1000));
    stacks.add(std::vector{plain(text)}, 1);
    return {};
  };
  const auto collection = collect(tool, "printf %s $1 > $1", {targets_[0]->pid()});
  ASSERT_EQ(collection.processes.size(), 1U);
  const std::string path = collection.processes[0].functions()[0].name;
  EXPECT_THAT(path, HasSubstr("/gprofiler."));
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path()));
  EXPECT_THAT(reasons(collect(tool, "true", {targets_[0]->pid()})), ElementsAre(HasSubstr("No such file")));
}

TEST_F(ToolCollectorTest, ATooShortWindowIsSaid) {
  Window window;
  window.end = window.deadline = steady_clock::now() + 300ms;
  window.frequency_hz = 11;
  const auto collection = ToolCollector(scripted(), "/bin/sh", "true", *launcher_).collect(window, {});
  EXPECT_THAT(reasons(collection), ElementsAre("scripted: the window is too short"));
}

}  // namespace
}  // namespace gp::managed
