// Who takes which ticks: the kernel's own code over the agent's tables, in plain memory.
#include "sampling/session_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "bpf/pick.h"

namespace gp::sampling {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kFar = uint64_t{1} << 62U;
constexpr uint32_t kEverybody = 0xffff;

class SessionTableTest : public testing::Test {
 protected:
  // A tick on one CPU; the sample's mask.
  uint32_t tick(size_t cpu, uint64_t now_ns, uint32_t wanted = kEverybody) {
    uint32_t sessions = ~0U;
    gp_pick_sessions(&raw_, &cpus_[cpu], wanted, now_ns, static_cast<uint32_t>(random_()), &sessions);
    return sessions;
  }
  void open(uint32_t slot, uint32_t hz) { table_.open(slot, kSecond / hz, kFar, 0); }

  gp_session_table raw_{};
  std::vector<gp_session_cpu> cpus_ = std::vector<gp_session_cpu>(2);
  SessionTable table_{&raw_, cpus_};
  std::mt19937 random_{7};
};

TEST_F(SessionTableTest, EachSessionGetsItsShareOfTheTicks) {
  const std::vector<uint32_t> rates{997, 499, 99, 99, 11, 1};
  table_.set_tick(kSecond / 997);
  for (uint32_t slot = 0; slot < rates.size(); ++slot) open(slot, rates[slot]);
  constexpr uint64_t kSeconds = 60;
  for (uint64_t i = 0; i < 997 * kSeconds; ++i) {
    tick(0, i);
    tick(1, i);
  }
  for (uint32_t slot = 0; slot < rates.size(); ++slot) {
    const auto expected = static_cast<double>(rates[slot] * kSeconds * cpus_.size());
    // The sum of steps is never further than two from what was taken, on each CPU.
    EXPECT_NEAR(static_cast<double>(table_.counts(slot, 0).taken), expected, 4 + expected * 1e-5) << rates[slot];
  }
}

TEST_F(SessionTableTest, NoTickIsOutOfReachOfASlowSession) {
  // Work that is seen at every tenth tick only: a fixed stride of ten would see all of it or nothing.
  table_.set_tick(kSecond / 1000);
  open(3, 100);
  std::vector<uint64_t> taken(10);
  for (uint64_t i = 0; i < 100'000; ++i) {
    if (tick(0, i) != 0) ++taken[i % 10];
  }
  for (const uint64_t count : taken) EXPECT_NEAR(static_cast<double>(count), 1000, 6 * std::sqrt(1000));
}

TEST_F(SessionTableTest, ASessionAtTheSamplersRateTakesEveryTick) {
  table_.set_tick(kSecond / 99);
  open(0, 99);
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(tick(0, i), 1U);
}

TEST_F(SessionTableTest, ASamplerThatTicksLessOftenThanAskedGivesAllItHas) {
  table_.set_tick(kSecond / 11);
  open(0, 99);
  for (uint64_t i = 0; i < 100; ++i) EXPECT_EQ(tick(0, i), 1U);
  table_.set_tick(kSecond / 990);
  for (uint64_t i = 0; i < 9900; ++i) tick(0, i);
  EXPECT_NEAR(static_cast<double>(table_.counts(0, 0).taken), 100 + 990, 2) << "steps follow the sampler";
}

TEST_F(SessionTableTest, OnlySessionsThatWantTheProcessTakeTheTick) {
  table_.set_tick(kSecond / 99);
  open(0, 99);
  open(15, 99);
  EXPECT_EQ(table_.active(), 1U | 1U << 15U);
  EXPECT_EQ(tick(0, 1, 1U << 15U), 1U << 15U);
  EXPECT_EQ(tick(0, 1, 2), 0U) << "nobody: no walk";
  EXPECT_EQ(table_.counts(0, 0).taken, 0U);
  table_.close(15);
  EXPECT_EQ(tick(0, 1, kEverybody), 1U);
  EXPECT_EQ(table_.active(), 1U);
}

TEST_F(SessionTableTest, ABoundaryCutsBySampleTime) {
  table_.set_tick(kSecond / 99);
  table_.open(1, kSecond / 99, 1000, 1);
  constexpr uint32_t kOther = 2;
  constexpr uint32_t kFirst = kOther | kOther << GP_SAMPLE_BANK_SHIFT;
  EXPECT_EQ(tick(0, 999), kFirst);
  EXPECT_EQ(tick(1, 1000), kOther);
  EXPECT_EQ(tick(0, 5000), kOther);
  table_.set_boundary(1, 6001, 0);  // a boundary is even
  EXPECT_EQ(tick(0, 5999), kOther);
  EXPECT_EQ(tick(0, 6000), kFirst);
  EXPECT_EQ(table_.counts(1, 0).taken, 3U);
  EXPECT_EQ(table_.counts(1, 1).taken, 2U);
}

TEST_F(SessionTableTest, SamplesWithoutRoomAreCountedWhereTheyWereTaken) {
  table_.set_tick(kSecond / 99);
  table_.open(0, kSecond / 99, 1000, 0);
  table_.open(2, kSecond / 99, 10, 0);
  gp_count_ring_full(&cpus_[1], tick(1, 500));
  EXPECT_EQ(table_.counts(0, 0).ring_full, 1U);
  EXPECT_EQ(table_.counts(2, 1).ring_full, 1U);
  EXPECT_EQ(table_.counts(2, 0).ring_full, 0U);
}

}  // namespace
}  // namespace gp::sampling
