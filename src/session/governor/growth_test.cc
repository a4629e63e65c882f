#include "session/governor/growth.h"

#include <gtest/gtest.h>

namespace gp::session {
namespace {

constexpr uint64_t kMinute = 60'000'000'000;

TEST(Growth, IsUnknownForTenMinutes) {
  Growth growth;
  EXPECT_FALSE(growth.per_hour());
  for (uint64_t minute = 0; minute < 10; ++minute) growth.add(minute * kMinute, minute);
  EXPECT_FALSE(growth.per_hour());
  growth.add(10 * kMinute, 10);
  EXPECT_TRUE(growth.per_hour());
}

TEST(Growth, IsTheSlope) {
  Growth growth;
  for (uint64_t minute = 0; minute < 30; ++minute) growth.add(minute * kMinute, 1000 + minute * 5);
  ASSERT_TRUE(growth.per_hour());
  EXPECT_NEAR(*growth.per_hour(), 300, 0.001);
}

TEST(Growth, LooksAtTheLastHourOnly) {
  Growth growth;
  for (uint64_t minute = 0; minute < 200; ++minute)
    growth.add(minute * kMinute, minute < 100 ? minute * 1000 : 100'000);
  ASSERT_TRUE(growth.per_hour());
  EXPECT_NEAR(*growth.per_hour(), 0, 0.001);
}

TEST(Growth, TakesOneReadingAMinute) {
  Growth growth;
  for (uint64_t second = 0; second <= 700; ++second)
    growth.add(second * kMinute / 60, second % 60 == 0 ? 5 : 1'000'000);
  ASSERT_TRUE(growth.per_hour());
  EXPECT_NEAR(*growth.per_hour(), 0, 0.001);
}

TEST(Growth, BearsAClockThatGoesBack) {
  Growth growth;
  growth.add(100 * kMinute, 1);
  growth.add(1 * kMinute, 9);
  EXPECT_FALSE(growth.per_hour());
}

}  // namespace
}  // namespace gp::session
