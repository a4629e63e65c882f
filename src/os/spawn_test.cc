#include "os/spawn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/event_fd.h"
#include "os/procfs.h"

namespace gp::os {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

SpawnSpec shell(const std::string& script) {
  SpawnSpec spec;
  spec.arguments = {"sh", "-c", script};
  spec.environment = {"PATH=/usr/bin:/bin", "WORD=given"};
  spec.managed = true;
  return spec;
}

// What the script printed, and how it ended.
std::pair<std::string, ChildEnd> run(SpawnSpec spec) {
  auto output = make_memfd("output");
  spec.standard[1] = output->get();
  auto child = GatedChild::prepare(spec);
  EXPECT_TRUE(child);
  EXPECT_TRUE(child->start());
  const ChildEnd end = *child->wait();
  ::lseek(output->get(), 0, SEEK_SET);
  return {*read_all(output->get(), 1U << 20U, "output"), end};
}

TEST(Spawn, GivesWhatIsAskedAndNothingElse) {
  SpawnSpec spec = shell(
      "echo $WORD $HOME; ls /proc/self/fd | wc -l; ulimit -n; set -- $(cat /proc/$$/stat); "
      "[ $6 = $$ ] && echo own session, nice ${19}");
  spec.limits = {{RLIMIT_NOFILE, {77, 77}}};
  spec.nice = 5;
  const UniqueFd inherited(::fcntl(0, F_DUPFD, 0));  // not closed by exec as such
  const auto [text, end] = run(spec);
  // 0 to 2 and the directory itself; field 6 is the session, 19 the nice value.
  EXPECT_THAT(text, MatchesRegex("given\n4\n77\nown session, nice 5\n"));
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_GT(end.usage.ru_maxrss, 0);
}

TEST(Spawn, StandardDescriptorsMayBeEachOthers) {
  // Descriptors 1 and 2 swapped: each is the other's source.
  auto first = make_memfd("first");
  auto second = make_memfd("second");
  SpawnSpec spec = shell("echo out; echo err >&2");
  spec.standard = {-1, first->get(), second->get()};
  auto child = GatedChild::prepare(spec);
  ASSERT_TRUE(child && child->start());
  EXPECT_EQ(child->wait()->exit_code, 0);
  ::lseek(second->get(), 0, SEEK_SET);
  EXPECT_EQ(*read_all(second->get(), 100, "second"), "err\n");
}

TEST(Spawn, SaysWhatFailedAndWhy) {
  const auto failure = [](const SpawnSpec& spec) {
    auto child = GatedChild::prepare(spec);
    EXPECT_TRUE(child);
    const auto started = child->start();
    (void)child->wait();
    return started ? Error(ErrorCode::kUsage, "it started") : started.error();
  };
  SpawnSpec absent = shell("");
  absent.arguments = {"/nonexistent/tool"};
  EXPECT_EQ(failure(absent).code(), ErrorCode::kNotFound);
  EXPECT_THAT(failure(absent).message(), HasSubstr("cannot execute /nonexistent/tool: No such file"));
  absent.arguments = {"/etc/passwd"};
  EXPECT_EQ(failure(absent).code(), ErrorCode::kPermission);
  SpawnSpec limited = shell("");
  limited.limits = {{RLIMIT_NOFILE, {10, 5}}};
  EXPECT_THAT(failure(limited).message(), HasSubstr("limits of sh: Invalid argument"));
  SpawnSpec lost = shell("");
  lost.mount_namespace = 0;  // no namespace at all
  EXPECT_THAT(failure(lost).message(), HasSubstr("namespaces for sh"));
}

TEST(Spawn, DiesWithItsParentEvenAtTheGate) {
  for (const bool started : {false, true}) {
    auto* const shared =
        static_cast<pid_t*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    const pid_t parent = ::fork();
    if (parent == 0) {
      auto child = GatedChild::prepare(shell("exec sleep 1000"));
      if (started) (void)child->start();
      *shared = child->pid();
      ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(parent, nullptr, 0);
    const pid_t orphan = *shared;
    ::munmap(shared, 4096);
    ASSERT_GT(orphan, 0);
    bool gone = false;
    for (int i = 0; i < 500 && !gone; ++i) {
      const auto stat = read_stat(orphan);
      gone = !stat || stat->state == 'Z';
      if (!gone) ::usleep(10'000);
    }
    EXPECT_TRUE(gone) << started;
  }
}

// The only child of a process, 0 while it has none.
pid_t child_of(pid_t parent) {
  const auto text = read_file(fmt::format("/proc/{0}/task/{0}/children", parent), 4096);
  return text ? static_cast<pid_t>(parse_decimal(text->substr(0, text->find(' '))).value_or(0)) : 0;
}

TEST(Spawn, RunsInAnotherPidNamespace) {
  // A process that is first of a new namespace, and a child of ours born into it.
  auto host = GatedChild::prepare(shell("exec unshare --fork --pid sleep 1000 >/dev/null 2>&1"));
  ASSERT_TRUE(host && host->start());
  pid_t first = 0;
  const auto own = namespace_id(::getpid(), NamespaceKind::kPid);
  for (int i = 0; i < 500; ++i, ::usleep(10'000)) {
    first = child_of(host->pid());
    const auto its = namespace_id(first, NamespaceKind::kPid);
    if (first > 0 && its && *its != *own) break;
    first = 0;
  }
  if (first == 0) {
    host->signal(SIGKILL);
    GTEST_SKIP() << "no pid namespace could be made";
  }
  const auto inside = open_file(fmt::format("/proc/{}/ns/pid", first));
  SpawnSpec spec = shell("echo $$; exit 3");
  spec.pid_namespace = inside->get();
  const auto [text, end] = run(spec);
  EXPECT_EQ(text, "2\n");
  EXPECT_EQ(end.exit_code, 3);
  EXPECT_NE(run(shell("echo $$")).first, "3\n");  // the next one is born at home again
  ::kill(first, SIGKILL);
  (void)host->wait();
}

}  // namespace
}  // namespace gp::os
