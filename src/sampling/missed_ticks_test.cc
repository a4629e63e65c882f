#include "sampling/missed_ticks.h"

#include <gtest/gtest.h>

namespace gp::sampling {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kTick = kSecond / 100;

TEST(MissedTicks, ABusyCpuOwesATickForEachPeriod) {
  EXPECT_EQ(missed_ticks({.elapsed_ns = 10 * kSecond, .ticks = 1000}, kTick), 0U);
  EXPECT_EQ(missed_ticks({.elapsed_ns = 10 * kSecond, .ticks = 900}, kTick), 99U);
  EXPECT_EQ(missed_ticks({.elapsed_ns = 10 * kSecond, .ticks = 0}, kTick), 999U);
}

TEST(MissedTicks, AnIdleCpuOwesNone) {
  EXPECT_EQ(missed_ticks({.elapsed_ns = 10 * kSecond, .idle_ns = 10 * kSecond, .ticks = 0}, kTick), 0U);
  EXPECT_EQ(missed_ticks({.elapsed_ns = 10 * kSecond, .idle_ns = 10 * kSecond, .ticks = 7}, kTick), 0U);
  EXPECT_EQ(missed_ticks({.elapsed_ns = 10 * kSecond, .idle_ns = 11 * kSecond, .ticks = 0}, kTick), 0U);
}

TEST(MissedTicks, WhatChanceExplainsIsNotCounted) {
  // Half busy for 1,000 grid points: 500 ticks, give or take 3 x 15.8.
  const TickPeriod half{.elapsed_ns = 10 * kSecond, .idle_ns = 5 * kSecond, .ticks = 455};
  EXPECT_EQ(missed_ticks(half, kTick), 0U);
  TickPeriod lost = half;
  lost.ticks = 250;
  EXPECT_NEAR(static_cast<double>(missed_ticks(lost, kTick)), 200, 5);
}

TEST(MissedTicks, NothingIsKnownOfNoTime) {
  EXPECT_EQ(missed_ticks({}, kTick), 0U);
  EXPECT_EQ(missed_ticks({.elapsed_ns = kSecond}, 0), 0U);
}

}  // namespace
}  // namespace gp::sampling
