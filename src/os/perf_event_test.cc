#include "os/perf_event.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

namespace gp::os {
namespace {

// Opens on the CPU this thread is pinned to, or skips where the host does not let us.
class PerfEvent : public testing::Test {
 protected:
  void SetUp() override {
    cpu_ = ::sched_getcpu();
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(static_cast<size_t>(cpu_), &only);
    ASSERT_EQ(::sched_setaffinity(0, sizeof(only), &only), 0);
  }
  int cpu_ = 0;
};

TEST_F(PerfEvent, SamplingEventCountsTime) {
  const auto fd = open_sampling_event(SamplingSource::kCpuClock, cpu_, 99);
  if (!fd) GTEST_SKIP() << fd.error().message();
  ASSERT_TRUE(enable_event(fd->get()));
  ::usleep(20'000);
  ASSERT_TRUE(disable_event(fd->get()));
  const auto count = event_count(fd->get());
  ASSERT_TRUE(count);
  EXPECT_GT(*count, 10'000'000U);
  EXPECT_FALSE(open_sampling_event(SamplingSource::kCpuClock, cpu_, 0));
}

TEST_F(PerfEvent, SidebandTellsTheLifeOfAProcess) {
  auto ring = SidebandRing::open(cpu_);
  if (!ring) GTEST_SKIP() << ring.error().message();
  ASSERT_TRUE(ring->enable());
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/true", "true", nullptr);
    ::_exit(127);
  }
  ASSERT_GT(child, 0);
  ::waitpid(child, nullptr, 0);
  pollfd ready{ring->fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 1000), 1);

  std::string life;  // of its first thread: a sanitizer starts another
  bool mapped_program = false;
  uint64_t last_ns = 0;
  const auto count = ring->drain([&](const SidebandEvent& event) {
    EXPECT_GE(event.time_ns, last_ns);
    last_ns = event.time_ns;
    EXPECT_EQ(event.cpu, static_cast<uint32_t>(cpu_));
    if (const auto* fork = std::get_if<ForkEvent>(&event.body); fork && fork->tid == child) {
      EXPECT_EQ(fork->parent_pid, ::getpid());
      life += "fork ";
    } else if (const auto* comm = std::get_if<CommEvent>(&event.body); comm && comm->pid == child) {
      EXPECT_TRUE(comm->exec);
      life += std::string(comm->name) + ' ';
    } else if (const auto* exit = std::get_if<ExitEvent>(&event.body); exit && exit->tid == child) {
      life += "exit";
    } else if (const auto* mmap = std::get_if<MmapEvent>(&event.body); mmap && mmap->pid == child) {
      const bool known = mmap->build_id_bytes != 0 || mmap->inode != 0 || mmap->path.starts_with('[');
      EXPECT_TRUE(known) << mmap->path;
      mapped_program |= mmap->path.ends_with("/true");
    }
  });
  EXPECT_EQ(life, "fork true exit");
  EXPECT_TRUE(mapped_program);
  EXPECT_FALSE(count.corrupt);
  EXPECT_EQ(ring->drain([](const SidebandEvent&) {}).ignored, 0U);
}

}  // namespace
}  // namespace gp::os
