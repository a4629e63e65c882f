#include "os/self_usage.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "os/event_fd.h"
#include "os/unique_fd.h"

namespace gp::os {
namespace {

TEST(ResidentMemory, IsReadFromStatus) {
  const auto memory = parse_resident_memory(
      "Name:\tRssAnon:\nVmHWM:\t    9000 kB\nVmRSS:\t    7000 kB\nRssAnon:\t    4000 kB\nRssFile:\t    2000 kB\n"
      "RssShmem:\t    1000 kB\nThreads:\t4\n");
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->anonymous, 4000U * 1024);
  EXPECT_EQ(memory->file, 2000U * 1024);
  EXPECT_EQ(memory->shared, 1000U * 1024);
  EXPECT_EQ(memory->peak, 9000U * 1024);
  EXPECT_EQ(memory->threads, 4U);
}

TEST(ResidentMemory, IsNothingWhenAFieldIsMissing) {
  EXPECT_FALSE(parse_resident_memory("RssAnon:\t4000 kB\nRssFile:\t1 kB\nVmHWM:\t1 kB\nThreads:\t1\n"));
  EXPECT_FALSE(parse_resident_memory("RssAnon:"));
  EXPECT_FALSE(parse_resident_memory(""));
}

TEST(ResidentMemory, GrowsWithWhatIsTouched) {
  constexpr size_t kBytes = 32U << 20U;
  const auto before = own_resident_memory();
  ASSERT_TRUE(before);
  void* pages = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  std::memset(pages, 1, kBytes);
  const auto after = own_resident_memory();
  ::munmap(pages, kBytes);
  ASSERT_TRUE(after);
  EXPECT_GE(after->anonymous, before->anonymous + kBytes - (1U << 20U));
}

TEST(Fds, AreToldByTheirLinks) {
  EXPECT_EQ(classify_fd("pipe:[123]"), FdKind::kPipe);
  EXPECT_EQ(classify_fd("socket:[123]"), FdKind::kSocket);
  EXPECT_EQ(classify_fd("anon_inode:[perf_event]"), FdKind::kPerfEvent);
  EXPECT_EQ(classify_fd("anon_inode:bpf-map"), FdKind::kBpfMap);
  EXPECT_EQ(classify_fd("anon_inode:bpf-prog"), FdKind::kBpfProgram);
  EXPECT_EQ(classify_fd("anon_inode:[pidfd]"), FdKind::kPidFd);
  EXPECT_EQ(classify_fd("pidfd:[7]"), FdKind::kPidFd);
  EXPECT_EQ(classify_fd("/memfd:x (deleted)"), FdKind::kMemFd);
  EXPECT_EQ(classify_fd("/var/log/x"), FdKind::kFile);
  EXPECT_EQ(classify_fd("anon_inode:[io_uring]"), FdKind::kOther);
  EXPECT_EQ(fd_kind_name(FdKind::kOther), "other");
  EXPECT_EQ(fd_kind_name(FdKind::kPipe), "pipe");
}

TEST(Fds, AreCountedByKind) {
  const auto before = own_open_fds();
  ASSERT_TRUE(before);
  int pipe[2] = {-1, -1};
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  const UniqueFd reading(pipe[0]);
  const UniqueFd writing(pipe[1]);
  const auto event = make_eventfd();
  ASSERT_TRUE(event);
  const auto after = own_open_fds();
  ASSERT_TRUE(after);
  const auto grown = [&](FdKind kind) {
    return after->by_kind[static_cast<size_t>(kind)] - before->by_kind[static_cast<size_t>(kind)];
  };
  EXPECT_EQ(grown(FdKind::kPipe), 2U);
  EXPECT_EQ(grown(FdKind::kEventFd), 1U);
  EXPECT_EQ(after->total(), before->total() + 3);
}

TEST(BpfMapInfo, IsReadFromFdinfo) {
  const auto info =
      parse_bpf_map_info("pos:\t0\nmap_type:\t2\nkey_size:\t4\nmemlock:\t16781312\nmap_id:\t21\nfrozen:\t0\n");
  ASSERT_TRUE(info);
  EXPECT_EQ(info->id, 21U);
  EXPECT_EQ(info->memlock_bytes, 16'781'312U);
  EXPECT_FALSE(parse_bpf_map_info("memlock:\t4096\n"));
}

TEST(Children, AreCountedWhoeverStartedThem) {
  const auto before = own_children();
  if (!before) GTEST_SKIP() << "this kernel has no /proc/PID/task/TID/children";
  int hold[2] = {-1, -1};
  ASSERT_EQ(::pipe2(hold, O_CLOEXEC), 0);
  pid_t child = -1;
  std::jthread starter([&] {
    child = ::fork();
    if (child == 0) {
      ::close(hold[1]);
      char byte = 0;
      ::_exit(::read(hold[0], &byte, 1) == 0 ? 0 : 1);
    }
  });
  starter.join();
  ASSERT_GT(child, 0);
  EXPECT_EQ(own_children()->running, before->running + 1);
  ::close(hold[1]);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(own_children()->zombies, before->zombies + 1);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(own_children()->zombies, before->zombies);
  ::close(hold[0]);
}

}  // namespace
}  // namespace gp::os
