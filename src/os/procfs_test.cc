#include "os/procfs.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace gp::os {
namespace {

constexpr int32_t kNobody = 0x7ffffff0;  // above PID_MAX_LIMIT

TEST(Procfs, TellsOfItself) {
  const int32_t self = ::getpid();
  const auto stat = read_stat(self);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->comm, "gp_os_test");
  EXPECT_EQ(stat->ppid, ::getppid());
  EXPECT_EQ(process_key(self)->start_ticks, stat->start_ticks);
  const auto status = read_status(self);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->tgid, self);
  EXPECT_EQ(status->effective_uid, ::geteuid());
  EXPECT_EQ(status->namespace_pids.back(), self);
  EXPECT_EQ(*read_comm(self), "gp_os_test");
  EXPECT_EQ(*read_thread_comm(self, self), "gp_os_test");
  EXPECT_TRUE(read_executable(self)->ends_with("/gp_os_test"));
  EXPECT_TRUE(read_arguments(self)->front().ends_with("gp_os_test"));
  EXPECT_TRUE(read_container_id(self));
}

TEST(Procfs, ListsProcessesAndThreads) {
  const auto processes = list_processes();
  ASSERT_TRUE(processes);
  EXPECT_TRUE(std::ranges::binary_search(*processes, ::getpid()));
  std::jthread([] {
    const auto threads = list_threads(::getpid());  // a sanitizer may have one of its own, too
    EXPECT_TRUE(std::ranges::binary_search(*threads, ::getpid()));
    EXPECT_TRUE(std::ranges::binary_search(*threads, ::gettid()));
  }).join();
}

TEST(Procfs, NamespacesAreShared) {
  for (const auto kind : {NamespaceKind::kPid, NamespaceKind::kMount, NamespaceKind::kUser}) {
    const auto own = namespace_id(::getpid(), kind);
    ASSERT_TRUE(own);
    EXPECT_NE(*own, 0U);
  }
}

TEST(Procfs, TellsWhoIsGone) {
  EXPECT_EQ(read_stat(kNobody).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(read_status(kNobody).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(read_executable(kNobody).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(list_threads(kNobody).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(namespace_id(kNobody, NamespaceKind::kPid).error().code(), ErrorCode::kNotFound);
  uint8_t byte = 0;
  EXPECT_EQ(read_memory(kNobody, {0}, {&byte, 1}).error().code(), ErrorCode::kNotFound);
}

TEST(ReadMemory, StopsAtTheHole) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  auto* area =
      static_cast<uint8_t*>(::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(area, MAP_FAILED);
  area[page - 1] = 42;
  ::mprotect(area + page, page, PROT_NONE);
  std::vector<uint8_t> bytes(page);
  const auto got = read_memory(::getpid(), {reinterpret_cast<uint64_t>(area) + page - 8}, bytes);
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, 8U);
  EXPECT_EQ(bytes[7], 42);
  EXPECT_EQ(read_memory(::getpid(), {reinterpret_cast<uint64_t>(area) + page}, bytes).error().system_errno(), EFAULT);
  ::munmap(area, 2 * page);
}

}  // namespace
}  // namespace gp::os
