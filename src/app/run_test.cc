#include "app/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "app/preflight.h"
#include "tests/support/profile_builder.h"

namespace gp::app {
namespace {

namespace fs = std::filesystem;

profile::Profile small_profile() {
  test::ProfileBuilder builder;
  profile::Function main;
  main.name = "main";
  profile::Process process;
  process.comm = "work";
  builder.add(builder.thread(builder.process(process), 1, "work"), {builder.function(main)}, 3);
  return std::move(builder).build();
}

class FakeRecording final : public Recording {
 public:
  [[nodiscard]] uint64_t samples_taken() const override { return 3; }
  Result<profile::Profile> finish() override { return small_profile(); }
};

// Runs with a fake engine in a directory of its own, where the host lets profiles be taken.
class Run : public testing::Test {
 protected:
  void SetUp() override {
    const auto checks = assess_host(gather_host_facts(), true);
    if (const auto good = first_failure(checks); !good) GTEST_SKIP() << good.error().message();
    options_.output_directory = directory_;
    options_.force = true;
    options_.control_socket = directory_ + "/none.sock";
    fs::remove_all(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  Result<int> run() {
    return run_profile(options_, [this](const RecordRequest& wanted) -> Result<std::unique_ptr<Recording>> {
      request_ = wanted;
      if (refuse_) return fail(ErrorCode::kSystem, "the engine is out");
      return std::make_unique<FakeRecording>();
    });
  }
  [[nodiscard]] bool wrote(const char* name) const { return fs::exists(fs::path(directory_) / name); }

  std::string directory_ = fs::temp_directory_path() / fmt::format("gp-run-test-{}", ::getpid());
  ProfileOptions options_;
  RecordRequest request_;
  bool refuse_ = false;
};

TEST_F(Run, WritesFilesWhenTheTimeIsUp) {
  options_.duration = std::chrono::milliseconds(20);
  options_.pprof = true;
  options_.frequency_hz = 42;
  EXPECT_EQ(*run(), 0);
  EXPECT_EQ(request_.frequency_hz, 42U);
  EXPECT_TRUE(request_.pids.empty());
  EXPECT_TRUE(wrote("last_profile.col"));
  EXPECT_TRUE(wrote("last_flamegraph.html"));
  EXPECT_TRUE(wrote("last_profile.pb.gz"));
}

TEST_F(Run, FlameGraphCanBeLeftOut) {
  options_.duration = std::chrono::milliseconds(20);
  options_.flamegraph = false;
  EXPECT_EQ(*run(), 0);
  EXPECT_FALSE(wrote("last_flamegraph.html"));
}

TEST_F(Run, SignalsEndAProfileEarly) {
  options_.duration = std::chrono::seconds(600);
  // On a busy machine the signal may come before run() has blocked it.
  sigset_t ending;
  sigset_t before;
  sigemptyset(&ending);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ending, signal);
  ::pthread_sigmask(SIG_BLOCK, &ending, &before);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    fs::remove_all(directory_);
    // To this thread, which blocks it in run(): the sender would take it as any program does.
    const std::jthread sender([signal, to = ::pthread_self()] {
      ::usleep(10'000);
      ::pthread_kill(to, signal);
    });
    const auto exit_code = run();
    ASSERT_TRUE(exit_code) << exit_code.error().message();
    EXPECT_EQ(*exit_code, 0);
    EXPECT_TRUE(wrote("last_profile.col"));
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_F(Run, CommandsExitCodeIsPassedOn) {
  options_.command = {"sh", "-c", "exit 42"};
  EXPECT_EQ(*run(), 42);
  EXPECT_EQ(request_.pids.size(), 1U);
  EXPECT_TRUE(request_.children);
  EXPECT_TRUE(wrote("last_profile.col"));
  options_.command = {"sh", "-c", "kill -9 $$"};
  EXPECT_EQ(*run(), 137);
}

TEST_F(Run, DurationEndsTheProfileNotTheCommand) {
  options_.duration = std::chrono::milliseconds(20);
  options_.command = {"sh", "-c", "sleep 0.05; exit 9"};
  EXPECT_EQ(*run(), 9);
}

TEST_F(Run, CommandThatCannotRunLeavesNothing) {
  options_.command = {"no-such-command-anywhere"};
  EXPECT_EQ(*run(), 127);
  options_.command = {"/etc/passwd"};
  EXPECT_EQ(*run(), 126);
  EXPECT_FALSE(wrote("last_profile.col"));
}

TEST_F(Run, CommandIsNotRunWhenTheEngineIsOut) {
  const std::string mark = directory_ + "/ran";
  options_.command = {"touch", mark};
  refuse_ = true;
  EXPECT_EQ(run().error().message(), "the engine is out");
  EXPECT_FALSE(fs::exists(mark));
}

TEST(LivingProcesses, DropsTheDead) {
  constexpr int32_t kNobody = 0x7ffffff0;
  EXPECT_TRUE(living_processes({})->empty());
  EXPECT_EQ(*living_processes({::getpid(), kNobody}), (std::vector<int32_t>{::getpid()}));
  EXPECT_THAT(living_processes({kNobody}).error().message(), testing::HasSubstr("no such process"));
  std::jthread([] {
    const auto refused = living_processes({::gettid()});
    EXPECT_THAT(refused.error().message(), testing::HasSubstr(fmt::format("give -p {}", ::getpid())));
  }).join();
}

}  // namespace
}  // namespace gp::app
