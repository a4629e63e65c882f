#include "managed/managed_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "managed/launcher.h"
#include "os/procfs.h"

namespace gp::managed {
namespace {

#ifdef __clang__
#define GP_HAS_ASAN __has_feature(address_sanitizer)
#else
#define GP_HAS_ASAN 0
#endif
#if GP_HAS_ASAN
constexpr bool kKeepsFreedMemory = true;
#else
constexpr bool kKeepsFreedMemory = false;
#endif

using namespace std::chrono_literals;
using testing::HasSubstr;

size_t descriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

// Everything a test of this file starts has to be gone when it ends.
class ManagedProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    before_ = descriptors();
    auto made = Launcher::make();
    ASSERT_TRUE(made) << made.error().message();
    launcher_ = std::move(*made);
  }
  void TearDown() override {
    const ProcessCounts& counts = launcher_->counts();
    EXPECT_EQ(counts.running, 0);
    EXPECT_EQ(counts.pipes_open, 0);
    EXPECT_EQ(counts.fds_open, 0);
    EXPECT_EQ(counts.stuck, 0U);
    launcher_.reset();
    EXPECT_EQ(descriptors(), before_);
  }

  static ProcessSpec fake(const std::string& how, const std::string& word = "0") {
    ProcessSpec spec;
    spec.name = "fake";
    spec.arguments = {GP_FAKE_TOOL, how, word};
    spec.patience = 200ms;
    return spec;
  }
  static ProcessSpec shell(const std::string& script) {
    ProcessSpec spec;
    spec.name = "shell";
    spec.arguments = {"/bin/sh", "-c", script};
    spec.environment = {"PATH=/usr/bin:/bin"};
    return spec;
  }
  static ProcessSpec within(std::chrono::milliseconds limit, ProcessSpec spec) {
    spec.deadline = ManagedProcess::Clock::now() + limit;
    return spec;
  }

  ProcessResult run(ProcessSpec spec) {
    auto process = launcher_->start(std::move(spec));
    EXPECT_TRUE(process) << process.error().message();
    return process->run({});
  }
  std::string refusal(ProcessSpec spec) {
    auto process = launcher_->start(std::move(spec));
    return process ? "started" : process.error().message();
  }

  size_t before_ = 0;
  std::unique_ptr<Launcher> launcher_;
};

TEST_F(ManagedProcessTest, TellsHowItWent) {
  const auto result = run(fake("fine"));
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.output, "main;work 3\n");
  EXPECT_GT(result.elapsed, 0ns);
  EXPECT_EQ(launcher_->counts().started, 1U);
  EXPECT_EQ(launcher_->counts().reaped, 1U);
  EXPECT_EQ(launcher_->counts().killed, 0U);
}

TEST_F(ManagedProcessTest, MeasuresProcessorTime) {
  const auto result = run(fake("burn", "60"));
  EXPECT_GE(result.cpu, 50ms);
  EXPECT_LT(result.cpu, 10s);
}

TEST_F(ManagedProcessTest, TellsPeakMemoryOnlyAboveItsParents) {
  EXPECT_FALSE(run(fake("fine")).peak_rss_bytes);
  const auto large = run(fake("grow", "200")).peak_rss_bytes;
  ASSERT_TRUE(large);
  EXPECT_GE(*large, 200U << 20U);
  EXPECT_LE(*large, 260U << 20U);
}

TEST_F(ManagedProcessTest, HangsAreEndedAtTheDeadline) {
  const auto result = run(within(50ms, fake("hang")));
  EXPECT_EQ(result.ending, Ending::kTimedOut);
  EXPECT_EQ(result.signal, SIGTERM);
  EXPECT_LT(result.elapsed, 5s);
  EXPECT_EQ(result.describe(), "fake: timed out and was killed");
  EXPECT_EQ(launcher_->counts().killed, 1U);
}

TEST_F(ManagedProcessTest, WhatIgnoresSigtermIsKilled) {
  const auto result = run(within(50ms, fake("ignore-sigterm")));
  EXPECT_EQ(result.ending, Ending::kTimedOut);
  EXPECT_EQ(result.signal, SIGKILL);
  EXPECT_GE(result.elapsed, 200ms);
}

TEST_F(ManagedProcessTest, AStoppedToolStillGetsItsSigterm) {
  const auto result = run(within(100ms, fake("stop")));
  EXPECT_EQ(result.ending, Ending::kTimedOut);
  EXPECT_EQ(result.signal, SIGTERM);
}

TEST_F(ManagedProcessTest, AGrandchildThatHoldsThePipeHoldsNobodyUp) {
  const auto result = run(fake("grandchild"));
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.output, "done\n");
  EXPECT_LT(result.elapsed, 5s);
  EXPECT_EQ(result.had_descendants, launcher_->has_cgroups());
}

TEST_F(ManagedProcessTest, ADescendantWithItsOwnSessionIsReached) {
  if (!launcher_->has_cgroups()) GTEST_SKIP() << "no cgroup can be made";
  for (const char* how : {"escaped", "setsid"}) {
    auto spec = within(100ms, fake(how));
    const std::string mark = fmt::format("GP_TEST_MARK={}.{}", ::getpid(), how);
    spec.environment.push_back(mark);
    const auto result = run(std::move(spec));
    EXPECT_TRUE(result.had_descendants) << how;
    const auto processes = os::list_processes();
    for (const int32_t pid : *processes) {
      const auto environment = os::read_file(fmt::format("/proc/{}/environ", pid), 1U << 20U);
      EXPECT_FALSE(environment && environment->find(mark) != std::string::npos) << how << " left " << pid;
    }
  }
}

TEST_F(ManagedProcessTest, AFloodCostsAFixedAmount) {
  if (kKeepsFreedMemory) GTEST_SKIP() << "AddressSanitizer keeps what is freed";
  const auto resident = [] {
    std::ifstream file("/proc/self/statm");
    size_t size = 0;
    size_t pages = 0;
    file >> size >> pages;
    return pages * 4096;
  };
  run(fake("flood", "1000000"));
  const size_t before = resident();
  constexpr uint64_t kBytes = 1'000'000'000;
  auto result = run(fake("flood", std::to_string(kBytes)));
  EXPECT_LT(resident(), before + (1U << 20U));
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.output.size(), kOutputBytes);
  EXPECT_EQ(result.dropped_output_bytes, kBytes - kOutputBytes);

  auto oldest = fake("flood", "100000");
  oldest.output = ToMemory{.keep = Keep::kOldest, .max_bytes = 10};
  result = run(std::move(oldest));
  EXPECT_EQ(result.output, "xxxxxxxxxx");
  EXPECT_EQ(result.dropped_output_bytes, 99'990U);
}

TEST_F(ManagedProcessTest, LinesGoToAParserAsTheyCome) {
  uint64_t lines = 0;
  uint64_t bytes = 0;
  auto spec = fake("flood", "10000000");
  spec.output = ToParser{[&](std::string_view line) {
    ++lines;
    bytes += line.size();
    return true;
  }};
  const auto result = run(std::move(spec));
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(lines, 100'000U);
  EXPECT_EQ(bytes, 9'900'000U);

  spec = fake("half-line");
  std::vector<std::string> seen;
  spec.output = ToParser{[&](std::string_view line) {
    seen.emplace_back(line);
    return true;
  }};
  EXPECT_TRUE(run(std::move(spec)).ok());
  EXPECT_EQ(seen, (std::vector<std::string>{"whole line", "half a li"}));

  spec = fake("flood", "1000000");
  spec.output = ToParser{[&](std::string_view) { return false; }};
  EXPECT_GT(run(std::move(spec)).dropped_output_bytes, 900'000U);
}

TEST_F(ManagedProcessTest, EndsThatSayWhy) {
  auto result = run(fake("exit-137"));
  EXPECT_EQ(result.ending, Ending::kExited);
  EXPECT_EQ(result.describe(), "fake: exit code 137: first | the reason");
  result = run(fake("segfault"));
  EXPECT_EQ(result.ending, Ending::kSignalled);
  EXPECT_EQ(result.describe(), "fake: killed by signal 11 (Segmentation fault)");
  result = run(fake("vanish"));
  EXPECT_EQ(result.describe(), "fake: killed by signal 9 (Killed)");
  EXPECT_EQ(result.exit_code, 137);
  result = run(fake("close-early"));
  EXPECT_TRUE(result.ok());
}

TEST_F(ManagedProcessTest, ErrorsNameTheProgramAndTheReason) {
  auto spec = fake("fine");
  spec.arguments = {"/nonexistent/py-spy"};
  EXPECT_EQ(refusal(spec), "fake: cannot execute /nonexistent/py-spy: No such file or directory");
  spec.arguments = {"/etc/passwd"};
  EXPECT_EQ(refusal(spec), "fake: cannot execute /etc/passwd: Permission denied");
  EXPECT_EQ(launcher_->counts().failed, 2U);
  EXPECT_EQ(launcher_->counts().started, 0U);
}

TEST_F(ManagedProcessTest, InputComesFromTextFileOrNull) {
  auto spec = shell("cat");
  spec.input = FromText{std::string(300'000, 'y')};  // more than a pipe holds
  spec.output = ToMemory{.keep = Keep::kNewest, .max_bytes = 1U << 20U};
  EXPECT_EQ(run(std::move(spec)).output.size(), 300'000U);
  spec = shell("exec <&-; sleep 0.05");
  spec.input = FromText{std::string(300'000, 'y')};
  EXPECT_TRUE(run(std::move(spec)).ok());  // nobody reads it
  spec = shell("cat");
  spec.input = FromFile{"/proc/self/comm"};
  EXPECT_EQ(run(std::move(spec)).output, "gp_managed_test\n");
  EXPECT_EQ(run(shell("cat")).output, "");
}

TEST_F(ManagedProcessTest, OutputGoesToAFileThatOnlyWeMayRead) {
  const std::string path = testing::TempDir() + "managed_output";
  std::filesystem::remove(path);
  auto spec = shell("echo text");
  spec.output = ToFile{path};
  EXPECT_EQ(run(std::move(spec)).output, "");
  EXPECT_EQ(*os::read_file(path, 100), "text\n");
  struct stat found{};
  ASSERT_EQ(::stat(path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  std::filesystem::remove(path);
  spec = shell("echo text");
  spec.output = ToFile{"/nonexistent/file"};
  EXPECT_THAT(refusal(std::move(spec)), HasSubstr("shell: open /nonexistent/file"));
}

TEST_F(ManagedProcessTest, TheEnvironmentIsWhatIsGiven) {
  auto spec = shell("env");
  spec.environment = {"A=1"};
  const auto result = run(std::move(spec));
  EXPECT_THAT(result.output, HasSubstr("A=1\n"));
  EXPECT_THAT(result.output, HasSubstr(fmt::format("GPROFILER_CHILD_OF={}.", ::getpid())));
  EXPECT_THAT(result.output, testing::Not(HasSubstr("HOME=")));
}

TEST_F(ManagedProcessTest, RunsInAnothersMountNamespace) {
  auto first = shell("");
  first.arguments = {"/usr/bin/unshare", "-m", "sh", "-c",
                     "mount -t tmpfs x /mnt && echo inside > /mnt/word && exec sleep 100"};
  auto host = launcher_->start(std::move(first));
  ASSERT_TRUE(host);
  std::string seen;
  for (int i = 0; i < 300 && seen.empty(); ++i, std::this_thread::sleep_for(10ms)) {
    if (host->advance()) GTEST_SKIP() << "no mount namespace can be made: " << host->result().describe();
    auto spec = shell("cat /mnt/word");
    spec.mount_namespace = fmt::format("/proc/{}/ns/mnt", host->pid());
    seen = run(std::move(spec)).output;
  }
  EXPECT_EQ(seen, "inside\n");
}

TEST_F(ManagedProcessTest, CancelEndsAllOfThem) {
  constexpr int kProcesses = 20;
  std::vector<ManagedProcess> processes;
  processes.reserve(kProcesses);
  std::vector<ManagedProcess*> pointers;
  for (int i = 0; i < kProcesses; ++i) processes.push_back(std::move(*launcher_->start(fake("hang"))));
  std::ranges::transform(processes, std::back_inserter(pointers), [](auto& process) { return &process; });
  std::stop_source stop;
  const std::jthread canceller([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  run_to_end(pointers, stop.get_token());
  for (const auto& process : processes) EXPECT_EQ(process.result().ending, Ending::kCancelled);
}

TEST_F(ManagedProcessTest, InAHurryNobodyWaitsForTheDeaf) {
  auto deaf = fake("ignore-sigterm");
  deaf.patience = 5s;
  std::stop_source stop;
  auto process = launcher_->start(std::move(deaf));
  ASSERT_TRUE(process);
  // Told to end before anybody was in a hurry: it is cut short all the same.
  const std::jthread later([&] {
    std::this_thread::sleep_for(100ms);
    stop.request_stop();
    std::this_thread::sleep_for(200ms);
    launcher_->hurry();
  });
  const auto begun = ManagedProcess::Clock::now();
  EXPECT_EQ(process->run(stop.get_token()).signal, SIGKILL);
  EXPECT_LT(ManagedProcess::Clock::now() - begun, 2s);
  const auto late = run(fake("hang"));  // and what starts now has not got long
  EXPECT_EQ(late.ending, Ending::kTimedOut);
  EXPECT_LT(late.elapsed, 2s);
  EXPECT_TRUE(run(fake("fine")).ok());
}

TEST_F(ManagedProcessTest, TheDestructorEndsWhatStillRuns) {
  pid_t pid = 0;
  {
    const auto process = launcher_->start(fake("ignore-sigterm"));
    ASSERT_TRUE(process);
    pid = process->pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(ManagedProcessTest, OtherThreadsAreServedByControl) {
  std::atomic<int> done{0};
  std::vector<std::jthread> callers(4);
  for (auto& caller : callers) {
    caller = std::jthread([&] {
      for (int n = 0; n < 5; ++n) {
        auto process = launcher_->start(fake("fine"));
        if (process && process->run({}).ok()) ++done;
      }
    });
  }
  for (int i = 0; i < 3000 && done < 20; ++i) {
    pollfd asked{launcher_->fd(), POLLIN, 0};
    ::poll(&asked, 1, 10);
    launcher_->serve();
  }
  EXPECT_EQ(done, 20);
  callers.clear();
  std::string message;
  launcher_->close();
  std::thread([&] { message = refusal(fake("fine")); }).join();
  EXPECT_EQ(message, "fake: not started, the agent is about to end");
}

}  // namespace
}  // namespace gp::managed
