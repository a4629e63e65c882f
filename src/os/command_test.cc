#include "os/command.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/procfs.h"

namespace gp::os {
namespace {

Result<Command> shell(const std::string& script) { return Command::prepare({"sh", "-c", script}, std::nullopt); }

int run(const std::string& script) {
  auto command = shell(script);
  EXPECT_TRUE(command);
  EXPECT_TRUE(command->start());
  return command->wait()->exit_code;
}

TEST(Command, PassesTheExitCodeOn) {
  EXPECT_EQ(run("exit 0"), 0);
  EXPECT_EQ(run("exit 42"), 42);
  EXPECT_EQ(run("kill -9 $$"), 128 + SIGKILL);
}

TEST(Command, WaitsAtTheGate) {
  auto command = shell("exit 7");
  ASSERT_TRUE(command);
  pollfd ended{command->pidfd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 30), 0);
  EXPECT_EQ(*read_comm(command->pid()), "gp_os_test");
  ASSERT_TRUE(command->start());
  EXPECT_EQ(::poll(&ended, 1, 5000), 1);
  EXPECT_EQ(command->wait()->exit_code, 7);
}

TEST(Command, IsLetGoWhenNeverStarted) {
  pid_t pid = 0;
  {
    const auto command = shell("touch /never");
    ASSERT_TRUE(command);
    pid = command->pid();
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Command, OutlivesItsOwnerOnceStarted) {
  pid_t pid = 0;
  {
    auto command = shell("sleep 10");
    ASSERT_TRUE(command && command->start());
    pid = command->pid();
  }
  EXPECT_EQ(::kill(pid, 0), 0);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

TEST(Command, TellsWhyExecFailed) {
  const auto code = [](const std::string& path) {
    auto command = Command::prepare({path}, std::nullopt);
    EXPECT_TRUE(command);
    const auto started = command->start();
    EXPECT_FALSE(started);
    return exec_failure_exit_code(started.error());
  };
  EXPECT_EQ(code("/nonexistent/program"), 127);
  EXPECT_EQ(code("no-such-program-in-path"), 127);
  EXPECT_EQ(code("/etc/passwd"), 126);
  EXPECT_EQ(code("/tmp"), 126);
}

TEST(Command, StartsWithCleanSignals) {
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(run("grep -q '^SigBlk:.0*$' /proc/self/status && grep -q '^SigIgn:.*[0-9a-f]*[0-7]...$' /proc/self/status"),
            0);
  EXPECT_EQ(run("kill -INT $$; exit 3"), 128 + SIGINT);
  ::signal(SIGPIPE, SIG_DFL);
  ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
}

TEST(Command, RunsAsTheInvokingUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const InvokingUser user{.uid = 65534, .gid = 65534, .name = "nobody", .home = "/nonexistent", .groups = {65534}};
  auto command = Command::prepare(
      {"sh", "-c", "test \"$(id -u):$(id -g):$(id -G):$HOME:$USER\" = 65534:65534:65534:/nonexistent:nobody"}, user);
  ASSERT_TRUE(command && command->start());
  EXPECT_EQ(command->wait()->exit_code, 0);
}

TEST(Command, LeavesNoDescriptorsBehind) {
  const auto lowest_free = [] { return open_file("/dev/null")->get(); };
  const int before = lowest_free();
  for (int i = 0; i < 20; ++i) {
    const auto command = shell("exit 0");
    ASSERT_TRUE(command);
  }
  EXPECT_EQ(before, lowest_free());
}

}  // namespace
}  // namespace gp::os
