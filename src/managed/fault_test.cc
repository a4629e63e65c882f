// What the host may do to us while children are run: each row of the fault matrix that concerns them. Those about the
// agent's own death are in leftovers_test.cc and os/spawn_test.cc, those about misbehaving tools in
// managed_process_test.cc, reuse of pids in leftovers_test.cc and profile/tool_stacks_test.cc.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "managed/launcher.h"
#include "managed/mapped_names.h"
#include "managed/tool_collector.h"

namespace gp::managed {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

ProcessSpec fake(const std::string& how, const std::string& word = "0") {
  ProcessSpec spec;
  spec.name = "fake";
  spec.arguments = {GP_FAKE_TOOL, how, word};
  spec.patience = 100ms;
  return spec;
}

// Our limit of descriptors for as long as this lives.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit wanted{limit, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &wanted);
  }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(Fault, NoDescriptorLeft) {
  auto launcher = std::move(*Launcher::make());
  auto running = launcher->start(fake("grandchild"));
  ASSERT_TRUE(running);
  const int next = ::fcntl(0, F_DUPFD_CLOEXEC, 0);  // the lowest free one
  ::close(next);
  // Every number of descriptors that is too small to start, each failing at another place.
  std::vector<std::string> refusals;  // looked at later: UBSan itself wants a pipe to look at an object
  for (rlim_t more = 0; more < 12; ++more) {
    const DescriptorLimit limit(static_cast<rlim_t>(next) + more);
    const auto started = launcher->start(fake("fine"));
    if (started) break;
    refusals.push_back(started.error().message());
  }
  EXPECT_GT(refusals.size(), 5U);
  EXPECT_THAT(refusals, testing::Each(testing::AllOf(HasSubstr("fake: "), HasSubstr("Too many open files"))));
  {
    const DescriptorLimit limit(static_cast<rlim_t>(next));
    EXPECT_TRUE(running->run({}).ok());  // one that runs already is seen to its end
  }
  EXPECT_TRUE(launcher->start(fake("fine"))->run({}).ok());
  EXPECT_EQ(launcher->counts().running, 0);
  EXPECT_EQ(launcher->counts().fds_open, 0);
  const int after = ::fcntl(0, F_DUPFD_CLOEXEC, 0);
  ::close(after);
  EXPECT_LE(after, next);
}

TEST(Fault, NoProcessToBeHad) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody whose processes are limited";
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{1, 1};
    constexpr uid_t kNobody = 65534;
    if (::setrlimit(RLIMIT_NPROC, &none) != 0 || ::setresuid(kNobody, kNobody, kNobody) != 0) ::_exit(2);
    const auto launcher = Launcher::make();
    if (!launcher) ::_exit(3);
    const auto started = (*launcher)->start(fake("fine"));
    const bool good = !started &&
                      started.error().message().find("fork: Resource temporarily unavailable") != std::string::npos &&
                      (*launcher)->counts().failed == 1 && (*launcher)->counts().fds_open == 0;
    ::_exit(good ? 0 : 4);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Fault, FullDisk) {
  auto launcher = std::move(*Launcher::make());
  auto spec = fake("flood", "1000000");
  spec.output = ToFile{"/dev/full"};
  EXPECT_EQ(launcher->start(std::move(spec))->run({}).exit_code, 9);  // the tool's own word for it

  const std::string folder = testing::TempDir() + "full_disk";
  std::filesystem::create_directories(folder);
  if (::mount("none", folder.c_str(), "tmpfs", 0, "size=64k") != 0) GTEST_SKIP() << "no file system can be mounted";
  const char* const before = ::getenv("TMPDIR");
  ::setenv("TMPDIR", folder.c_str(), 1);
  auto target = launcher->start(fake("hang"));
  Tool tool{.name = "writer", .program = "sh", .language = "Fake", .writes_file = true};
  tool.looks_at = [](std::string_view file) { return basename_of(file) == "gp_fake_tool"; };
  tool.arguments = [](const ToolRun& run) {
    return Tool::Words{"/bin/dd", "if=/dev/zero", "of=" + run.result_file, "bs=64k", "count=10", "status=none"};
  };
  tool.take_file = [](const std::string&, const ToolRun&, profile::ToolStacks&) { return Result<void>(); };
  Window window;
  window.end = std::chrono::steady_clock::now() + 1s;
  window.deadline = window.end + 5s;
  window.frequency_hz = 11;
  window.pids = {target->pid()};
  const auto collection = ToolCollector(tool, "/bin/dd", "", *launcher).collect(window, {});
  EXPECT_TRUE(collection.processes.empty());
  ASSERT_EQ(collection.failures.size(), 1U);
  EXPECT_THAT(collection.failures[0].reason, HasSubstr("No space left on device"));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  before != nullptr ? ::setenv("TMPDIR", before, 1) : ::unsetenv("TMPDIR");
  ::umount(folder.c_str());
  std::filesystem::remove(folder);
}

// A cgroup that holds 20 MiB, of whichever version has a memory controller here; empty when none has.
std::string small_memory_cgroup() {
  constexpr auto kLimit = "20971520";
  for (const auto& [root, file] :
       {std::pair{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, std::pair{"/sys/fs/cgroup", "memory.max"}}) {
    const std::string folder = fmt::format("{}/gp_fault_test.{}", root, ::getpid());
    if (::mkdir(folder.c_str(), 0755) != 0) continue;
    std::ofstream limit(folder + "/" + file);
    limit << kLimit << std::flush;
    if (limit.good()) return folder;
    ::rmdir(folder.c_str());
  }
  return {};
}

TEST(Fault, KilledForWantOfMemory) {
  const std::string folder = small_memory_cgroup();
  if (folder.empty()) GTEST_SKIP() << "no memory cgroup can be made";
  auto launcher = std::move(*Launcher::make());
  ProcessSpec spec;
  spec.name = "greedy";
  spec.arguments = {"/bin/sh", "-c",
                    fmt::format("echo $$ > {}/cgroup.procs && exec {} grow 200", folder, GP_FAKE_TOOL)};
  const ProcessResult result = launcher->start(std::move(spec))->run({});
  EXPECT_EQ(result.ending, Ending::kOutOfMemory);
  EXPECT_EQ(result.describe(), "greedy: killed by the kernel, which was out of memory");
  ::rmdir(folder.c_str());
}

}  // namespace
}  // namespace gp::managed
