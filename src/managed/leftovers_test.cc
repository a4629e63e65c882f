#include "managed/leftovers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "managed/launcher.h"
#include "os/pipe.h"

namespace gp::managed {
namespace {

using testing::HasSubstr;

TEST(Leftovers, ReadsMarks) {
  const ProcessKey key{.pid = 12, .start_ticks = 345};
  EXPECT_EQ(marked_agent("A=1" + std::string(1, '\0') + environment_mark(key) + std::string(1, '\0')), key);
  EXPECT_EQ(marked_agent(environment_mark(key)), key);
  EXPECT_EQ(agent_of_cgroup(cgroup_name(key)), key);
  for (const char* text : {"", "GPROFILER_CHILD_OF=", "GPROFILER_CHILD_OF=1", "GPROFILER_CHILD_OF=x.1",
                           "GPROFILER_CHILD_OF=99999999999.1", "XGPROFILER_CHILD_OF=1.2"}) {
    EXPECT_FALSE(marked_agent(text)) << text;
  }
  EXPECT_FALSE(agent_of_cgroup("system.slice"));
  EXPECT_FALSE(agent_of_cgroup("gprofiler.service"));
}

// An agent that starts a tool whose descendant has its own session, and is killed. Gives the descendant's agent.
ProcessKey die_with_an_escaped_descendant(bool with_cgroup) {
  auto pipe = *os::make_pipe();
  const pid_t agent = ::fork();
  if (agent == 0) {
    // In a cgroup the sweep finds it by that; without one by the mark.
    const ProcessKey self{.pid = ::getpid(), .start_ticks = 1};
    auto launcher = Launcher::make();
    ProcessSpec spec;
    spec.name = "fake";
    spec.arguments = {GP_FAKE_TOOL, "setsid"};
    ProcessCounts counts;
    const std::atomic<bool> hurry{false};
    if (!with_cgroup) spec.environment = {environment_mark(self)};
    auto process = with_cgroup ? (*launcher)->start(std::move(spec))
                               : ManagedProcess::start(std::move(spec), "", 1, counts, hurry);
    ::usleep(200'000);  // until it has forked
    (void)!::write(pipe.write.get(), &self, sizeof(self));
    ::kill(::getpid(), SIGKILL);
  }
  pipe.write.reset();
  ProcessKey key;
  EXPECT_EQ(::read(pipe.read.get(), &key, sizeof(key)), static_cast<ssize_t>(sizeof(key)));
  ::waitpid(agent, nullptr, 0);
  return key;
}

// Sweeps until something is found: what escapes takes a while to start.
Leftovers sweep_until(const std::function<bool(const Leftovers&)>& there) {
  constexpr int kTries = 200;
  Leftovers found;
  for (int i = 0; i < kTries && !there(found); ++i) {
    ::usleep(50'000);
    found = sweep_leftovers();
  }
  return found;
}

TEST(Leftovers, CountsWhatEscapedWithoutACgroup) {
  const ProcessKey agent = die_with_an_escaped_descendant(false);
  const Leftovers found = sweep_until([agent](const Leftovers& leftovers) {
    return std::ranges::any_of(leftovers.escaped, [agent](const auto& escaped) {
      return escaped.agent == agent && escaped.comm == "gp_fake_tool";
    });
  });
  int ours = 0;
  for (const auto& escaped : found.escaped) {
    if (escaped.agent != agent) continue;
    ++ours;
    EXPECT_EQ(escaped.comm, "gp_fake_tool");
    ::kill(escaped.pid, SIGKILL);
  }
  EXPECT_EQ(ours, 1);  // the tool itself died with its parent
  EXPECT_THAT(found.describe(), HasSubstr("gp_fake_tool (pid "));
}

TEST(Leftovers, KillsWhatIsInACgroup) {
  {
    const auto launcher = Launcher::make();
    if (!(*launcher)->has_cgroups()) GTEST_SKIP() << "no cgroup can be made";
  }
  die_with_an_escaped_descendant(true);
  const Leftovers found = sweep_until([](const Leftovers& leftovers) { return leftovers.killed > 0; });
  EXPECT_GE(found.killed, 1U);
  EXPECT_THAT(found.describe(), HasSubstr("processes in its cgroups, killed now"));
  EXPECT_EQ(sweep_leftovers().killed, 0U);
}

}  // namespace
}  // namespace gp::managed
