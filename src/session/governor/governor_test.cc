#include "session/governor/governor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gp::session {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr uint64_t kSecond = 1'000'000'000;

// A limit of 1,000 bytes, looked at once a second.
class GovernorTest : public testing::Test {
 protected:
  Decision see(uint64_t bytes, bool pressure = false) {
    now_ns_ += kSecond;
    return governor_.decide({.now_ns = now_ns_, .memory_bytes = bytes, .pressure = pressure, .asked_rate_hz = 11});
  }
  // Every step taken in so many seconds at that level.
  std::vector<Step> hold(uint64_t bytes, int seconds) {
    std::vector<Step> steps;
    for (int i = 0; i < seconds; ++i) {
      const auto decision = see(bytes);
      steps.insert(steps.end(), decision.steps.begin(), decision.steps.end());
      if (decision.rate_hz != 0) rates_.push_back(decision.rate_hz);
    }
    return steps;
  }

  Governor governor_{{.soft = 800, .hard = 1000, .emergency = 1500, .undo = 700}};
  uint64_t now_ns_ = 1000 * kSecond;
  std::vector<uint32_t> rates_;
};

TEST_F(GovernorTest, DoesNothingBelowTheSoftLevel) {
  EXPECT_THAT(hold(799, 600), IsEmpty());
  EXPECT_EQ(governor_.state(), MemoryState::kNormal);
}

TEST_F(GovernorTest, TrimsAtTheSoftLevelAndAgainWhileItLasts) {
  const auto decision = see(800);
  EXPECT_EQ(decision.state, MemoryState::kHigh);
  EXPECT_THAT(decision.steps, ElementsAre(Step::kTrim));
  EXPECT_THAT(hold(999, 29), IsEmpty());
  EXPECT_THAT(hold(999, 1), ElementsAre(Step::kTrim));
  EXPECT_FALSE(governor_.restricted());
}

TEST_F(GovernorTest, TakesPressureForTheSoftLevel) {
  EXPECT_THAT(see(10, true).steps, ElementsAre(Step::kTrim));
  EXPECT_THAT(see(10, true).steps, IsEmpty());
}

TEST_F(GovernorTest, RestrictsAtTheHardLevel) {
  EXPECT_THAT(see(1000).steps, ElementsAre(Step::kTrim, Step::kRefuseGrowth, Step::kDropDetail, Step::kHalveLogs));
  EXPECT_TRUE(governor_.restricted());
  EXPECT_THAT(see(1000).steps, IsEmpty());
}

TEST_F(GovernorTest, CancelsCollectorsAfterTenSecondsThenLowersTheRateToOneHertz) {
  EXPECT_THAT(hold(1100, 10), Not(Contains(Step::kCancelCollectors)));
  EXPECT_THAT(hold(1100, 1), ElementsAre(Step::kCancelCollectors));
  EXPECT_THAT(hold(1100, 9), IsEmpty());
  EXPECT_THAT(hold(1100, 1), ElementsAre(Step::kLowerRate));
  hold(1100, 100);
  EXPECT_THAT(rates_, ElementsAre(5, 2, 1));
  EXPECT_EQ(governor_.lowered_rate_hz(), 1U);
  EXPECT_EQ(governor_.counts()[static_cast<size_t>(Step::kCancelCollectors)], 1U);
}

TEST_F(GovernorTest, ClosesEarlyWhenTheLowestRateDoesNotHelp) {
  EXPECT_THAT(hold(1100, 50), Not(Contains(Step::kCloseEarly)));
  ASSERT_EQ(governor_.lowered_rate_hz(), 1U);
  EXPECT_THAT(hold(1100, 1), Contains(Step::kCloseEarly));
  EXPECT_THAT(hold(1100, 59), Not(Contains(Step::kCloseEarly)));
  EXPECT_THAT(hold(1100, 1), Contains(Step::kCloseEarly));
}

TEST_F(GovernorTest, ADipBelowTheHardLevelBeginsTheTenSecondsAnew) {
  hold(1100, 10);
  see(999);
  EXPECT_THAT(hold(1100, 9), Not(Contains(Step::kCancelCollectors)));
}

TEST_F(GovernorTest, ClosesEarlyAtTheEmergencyLevelOnceAMinute) {
  const auto decision = see(1500);
  EXPECT_EQ(decision.state, MemoryState::kEmergency);
  EXPECT_THAT(decision.steps,
              ElementsAre(Step::kTrim, Step::kRefuseGrowth, Step::kDropDetail, Step::kHalveLogs, Step::kCloseEarly));
  EXPECT_THAT(hold(1500, 59), Not(Contains(Step::kCloseEarly)));
  EXPECT_THAT(see(1500).steps, Contains(Step::kCloseEarly));
}

TEST_F(GovernorTest, UndoesAllAfterAMinuteBelow) {
  hold(1600, 45);
  ASSERT_TRUE(governor_.lowered_rate_hz());
  EXPECT_THAT(hold(699, 59), IsEmpty());
  EXPECT_THAT(see(699).steps, ElementsAre(Step::kUndo));
  EXPECT_FALSE(governor_.restricted());
  EXPECT_FALSE(governor_.lowered_rate_hz());
  EXPECT_THAT(hold(699, 120), IsEmpty());
  // And the whole way again.
  EXPECT_THAT(hold(1100, 21), Contains(Step::kLowerRate));
}

TEST_F(GovernorTest, BetweenUndoAndSoftNothingChanges) {
  hold(1000, 2);
  EXPECT_THAT(hold(750, 600), IsEmpty());
  EXPECT_TRUE(governor_.restricted());
}

TEST_F(GovernorTest, PressureDelaysTheUndoing) {
  hold(1000, 1);
  hold(600, 50);
  see(600, true);
  EXPECT_THAT(hold(600, 59), Not(Contains(Step::kUndo)));
  EXPECT_THAT(hold(600, 1), ElementsAre(Step::kUndo));
}

TEST_F(GovernorTest, AClockThatLeapsForwardIsNotTimeSpentOverTheLimit) {
  see(1100);
  now_ns_ += 3600 * kSecond;
  EXPECT_THAT(see(1100).steps, Not(Contains(Step::kCancelCollectors)));
  // Nor is an hour of standing still an hour below the level.
  see(600);
  now_ns_ += 3600 * kSecond;
  EXPECT_THAT(see(600).steps, IsEmpty());
}

TEST_F(GovernorTest, AClockThatGoesBackNeitherSticksNorRepeats) {
  see(1100);
  now_ns_ -= 500 * kSecond;
  EXPECT_THAT(see(1100).steps, IsEmpty());
  EXPECT_THAT(hold(1100, 10), ElementsAre(Step::kCancelCollectors));
}

TEST_F(GovernorTest, ARateOfOneHertzIsNotLowered) {
  std::vector<Step> steps;
  for (int i = 0; i < 60; ++i) {
    now_ns_ += kSecond;
    const auto decision =
        governor_.decide({.now_ns = now_ns_, .memory_bytes = 1100, .pressure = false, .asked_rate_hz = 1});
    steps.insert(steps.end(), decision.steps.begin(), decision.steps.end());
  }
  EXPECT_THAT(steps, Not(Contains(Step::kLowerRate)));
}

TEST(GovernorNames, AreAllThere) {
  for (size_t i = 0; i < kSteps; ++i) EXPECT_FALSE(step_name(static_cast<Step>(i)).empty());
  EXPECT_EQ(memory_state_name(MemoryState::kEmergency), "emergency");
}

}  // namespace
}  // namespace gp::session
