#include "session/governor/memory_levels.h"

#include <gtest/gtest.h>

namespace gp::session {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20U;
constexpr uint64_t kGiB = uint64_t{1} << 30U;

MemoryLevels must(const Result<MemoryLevels>& levels) { return levels ? *levels : MemoryLevels{}; }

TEST(MemoryLevels, DefaultIsAShareOfTheHostWithinBounds) {
  EXPECT_EQ(must(memory_levels({}, {.available = 64 * kGiB, .cgroup_limit = {}})).hard, 256 * kMiB);
  EXPECT_EQ(must(memory_levels({}, {.available = 2000 * kMiB, .cgroup_limit = {}})).hard, 100 * kMiB);
  EXPECT_EQ(must(memory_levels({}, {.available = 100 * kMiB, .cgroup_limit = {}})).hard, 64 * kMiB);
}

TEST(MemoryLevels, StandInTheDeclaredRatio) {
  const auto levels = must(memory_levels({.limit_bytes = 100 * kMiB, .threshold_mb = {}}, {}));
  EXPECT_EQ(levels.soft / 1'000'000, 80 * kMiB / 1'000'000);
  EXPECT_EQ(levels.hard, 100 * kMiB);
  EXPECT_EQ(levels.emergency / 1'000'000, 150 * kMiB / 1'000'000);
  EXPECT_EQ(levels.undo / 1'000'000, 70 * kMiB / 1'000'000);
}

TEST(MemoryLevels, OldThresholdBringsTheOldLevels) {
  const auto levels = must(memory_levels({.limit_bytes = {}, .threshold_mb = 800}, {}));
  EXPECT_NEAR(static_cast<double>(levels.soft) / kMiB, 800, 0.001);
  EXPECT_NEAR(static_cast<double>(levels.hard) / kMiB, 1000, 0.001);
  EXPECT_NEAR(static_cast<double>(levels.emergency) / kMiB, 1500, 0.001);
}

TEST(MemoryLevels, ThresholdAndLimitTogether) {
  const auto levels = must(memory_levels({.limit_bytes = 100 * kMiB, .threshold_mb = 50}, {}));
  EXPECT_EQ(levels.soft, 50 * kMiB);
  EXPECT_EQ(levels.hard, 100 * kMiB);
  EXPECT_LT(levels.undo, levels.soft);
  const auto contradiction = memory_levels({.limit_bytes = 100 * kMiB, .threshold_mb = 100}, {});
  ASSERT_FALSE(contradiction);
  EXPECT_EQ(contradiction.error().code(), ErrorCode::kUsage);
}

TEST(MemoryLevels, StayBelowWhatAControlGroupAllows) {
  const auto levels =
      must(memory_levels({.limit_bytes = kGiB, .threshold_mb = {}}, {.available = 0, .cgroup_limit = 160 * kMiB}));
  EXPECT_EQ(levels.hard, 100 * kMiB);
  EXPECT_LT(levels.emergency, 160 * kMiB);
  EXPECT_EQ(must(memory_levels({}, {.available = 64 * kGiB, .cgroup_limit = kGiB})).hard, 256 * kMiB);
}

TEST(MemoryLevels, RefuseWhatHoldsNoAgent) {
  EXPECT_FALSE(memory_levels({.limit_bytes = kMiB, .threshold_mb = {}}, {}));
  EXPECT_FALSE(memory_levels({.limit_bytes = {}, .threshold_mb = 0}, {}));
  EXPECT_FALSE(memory_levels({.limit_bytes = {}, .threshold_mb = UINT64_MAX}, {}));
  EXPECT_FALSE(memory_levels({.limit_bytes = {}, .threshold_mb = 2}, {}));
}

}  // namespace
}  // namespace gp::session
