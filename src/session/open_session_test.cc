// Windows of a session under a made-up clock, with the kernel's own code for who takes a tick and which window it is in.
#include "session/open_session.h"

#include <gtest/gtest.h>

#include <vector>

#include "bpf/pick.h"

namespace gp::session {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kStart = 5'000 * kMs;
constexpr uint64_t kWindow = 1'000 * kMs;

class OpenSessionTest : public testing::Test {
 protected:
  void open(uint32_t windows = 0) {
    SessionOptions options;
    options.name = "test";
    options.frequency_hz = 100;
    options.window = std::chrono::nanoseconds(kWindow);
    options.windows = windows;
    state_ = std::make_shared<SessionState>(1, options);
    table_.set_tick(10 * kMs);
    session_ = std::make_unique<OpenSession>(3, &table_, state_, 0, now());
  }
  OpenSession::Surroundings now() {
    return {.now_ns = now_ns_, .ticks = ticks_, .unreadable = unreadable_, .ticking = true, .loader_idle = true};
  }
  // A tick whose sample comes through at once; false: no window takes it.
  bool tick(uint64_t time_ns) {
    ++ticks_.runs;
    last_ = 0;
    gp_pick_sessions(&raw_, cpus_.data(), 0xffff, time_ns, 0, &last_);
    return last_ != 0 && arrive(last_, time_ns);
  }
  bool arrive(uint32_t sessions, uint64_t time_ns, bool deferred = false) {
    Window* window = session_->window_of(sessions, time_ns, deferred);
    if (window == nullptr) return false;
    ++window->recording.quality().whole;
    return true;
  }
  // Time passes; what is complete is kept.
  void turn(uint64_t time_ns) {
    now_ns_ = time_ns;
    if (auto window = session_->turn(now())) {
      EXPECT_TRUE(window->recording.quality().sums_hold());
      closed_.push_back(std::move(window));
      if (keeps_closer_busy_) state_->closing = 1;
    }
  }
  [[nodiscard]] uint64_t taken(size_t window) const { return closed_[window]->recording.quality().taken; }

  gp_session_table raw_{};
  std::vector<gp_session_cpu> cpus_ = std::vector<gp_session_cpu>(1);
  sampling::SessionTable table_{&raw_, cpus_};
  TickTotals ticks_;
  uint64_t unreadable_ = 0;
  uint64_t now_ns_ = kStart;
  uint32_t last_ = 0;
  bool keeps_closer_busy_ = false;
  std::shared_ptr<SessionState> state_;
  std::unique_ptr<OpenSession> session_;
  std::vector<std::unique_ptr<Window>> closed_;
};

TEST_F(OpenSessionTest, SamplesFallIntoWindowsByTheirTimeNotByWhenTheyAreRead) {
  open();
  for (uint64_t time = kStart; time < kStart + 3 * kWindow; time += 10 * kMs) {
    EXPECT_TRUE(tick(time));
    // The reader looks at odd times, up to 250 ms late.
    if (time / kMs % 330 == 0) turn(time + 1);
  }
  turn(kStart + 3 * kWindow + 100 * kMs);
  ASSERT_EQ(closed_.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(taken(i), 100U);
    EXPECT_EQ(closed_[i]->number, i);
    EXPECT_EQ(closed_[i]->end_ns, kStart + (i + 1) * kWindow) << "no drift";
  }
}

TEST_F(OpenSessionTest, WhatComesAfterTheEndOfItsWindowStillCounts) {
  open();
  tick(kStart + kWindow - 1);
  const uint32_t before = last_;
  EXPECT_TRUE(tick(kStart + kWindow)) << "the reader learns of the boundary from the sample";
  ++cpus_[0].taken[3][0];  // a tick that is still in progress
  EXPECT_TRUE(arrive(before, kStart + kWindow - 1));
  turn(kStart + kWindow + 10 * kMs);
  EXPECT_TRUE(closed_.empty()) << "a tick may be in progress";
  turn(kStart + kWindow + 30 * kMs);
  ASSERT_EQ(closed_.size(), 1U);
  EXPECT_EQ(taken(0), 2U);
}

TEST_F(OpenSessionTest, AWindowThatBeginsKnowsItsEndBeforeTheOneAheadIsSettled) {
  open();
  EXPECT_TRUE(session_->take_begun());
  EXPECT_EQ(session_->window_end_ns(), kStart + kWindow);
  turn(kStart + kWindow + 1);
  ASSERT_TRUE(closed_.empty());
  EXPECT_TRUE(session_->take_begun());
  EXPECT_EQ(session_->window_end_ns(), kStart + 2 * kWindow);
  turn(kStart + kWindow + 30 * kMs);
  ASSERT_EQ(closed_.size(), 1U);
  EXPECT_FALSE(session_->take_begun());
  EXPECT_EQ(session_->window_end_ns(), kStart + 2 * kWindow);
}

TEST_F(OpenSessionTest, ARecordLaterThanThatIsTheNextWindows) {
  open();
  tick(kStart + 1);
  const uint32_t first = last_;
  turn(kStart + kWindow + 30 * kMs);
  ++cpus_[0].taken[3][0];
  EXPECT_TRUE(arrive(first, kStart + 2));
  EXPECT_FALSE(arrive(first, kStart + 2, true)) << "one from the loader was counted as lost";
  turn(kStart + 2 * kWindow + 30 * kMs);
  turn(kStart + 3 * kWindow + 30 * kMs);
  ASSERT_EQ(closed_.size(), 3U);
  EXPECT_EQ(taken(0), 1U);
  EXPECT_EQ(taken(1), 1U);
  EXPECT_EQ(taken(2), 0U);
}

TEST_F(OpenSessionTest, AWindowWaitsForTheLoaderButNotForEver) {
  open();
  tick(kStart + 1);
  session_->window_of(last_, kStart + 1, false)->waiting = 1;
  turn(kStart + kWindow + 30 * kMs);
  EXPECT_TRUE(closed_.empty());
  turn(kStart + kWindow + 501 * kMs);
  EXPECT_EQ(closed_.size(), 1U) << "half a window at most";
}

TEST_F(OpenSessionTest, LossesAreOfTheWindowTheyHappenedIn) {
  open();
  for (int i = 0; i < 10; ++i) tick(kStart + 1);
  cpus_[0].taken[3][0] += 5;
  cpus_[0].ring_full[3][0] += 3;
  unreadable_ = 1;
  ticks_.missed = 2;
  turn(kStart + kWindow + 30 * kMs);
  tick(kStart + kWindow + 40 * kMs);
  turn(kStart + 2 * kWindow + 30 * kMs);
  ASSERT_EQ(closed_.size(), 2U);
  const auto& lost = closed_[0]->recording.quality().lost;
  using profile::LossReason;
  EXPECT_EQ(lost[static_cast<size_t>(LossReason::kRingFull)], 3U);
  EXPECT_EQ(lost[static_cast<size_t>(LossReason::kUnreadable)], 1U);
  EXPECT_EQ(lost[static_cast<size_t>(LossReason::kOverBudget)], 1U);
  EXPECT_EQ(lost[static_cast<size_t>(LossReason::kMissed)], 3U) << "two of ten ticks, of which this session took 15";
  EXPECT_EQ(taken(0), 18U);
  EXPECT_EQ(taken(1), 1U);
}

TEST_F(OpenSessionTest, WindowsThatEndWhileOneIsClosingBecomeOne) {
  open();
  keeps_closer_busy_ = true;
  for (uint64_t time = kStart; time < kStart + 4 * kWindow; time += 10 * kMs) {
    tick(time);
    turn(time);
  }
  EXPECT_EQ(closed_.size(), 1U);
  EXPECT_EQ(state_->merged, 2U);
  state_->closing = 0;
  turn(kStart + 4 * kWindow);
  turn(kStart + 4 * kWindow + 30 * kMs);
  ASSERT_EQ(closed_.size(), 2U) << "nothing cascades";
  EXPECT_EQ(closed_[1]->merged, 2U);
  EXPECT_EQ(taken(1), 300U) << "nothing is dropped";
  EXPECT_EQ(closed_[1]->start_ns, kStart + kWindow);
  EXPECT_EQ(closed_[1]->end_ns, kStart + 4 * kWindow);
}

TEST_F(OpenSessionTest, AWindowSomebodyWaitsForIsClosedBehindTheOneBefore) {
  open();
  keeps_closer_busy_ = true;
  turn(kStart + kWindow + 30 * kMs);
  ASSERT_EQ(closed_.size(), 1U);
  session_->end_window(kStart + kWindow + 100 * kMs);
  turn(kStart + kWindow + 130 * kMs);
  EXPECT_EQ(closed_.size(), 2U);
  EXPECT_EQ(state_->merged, 0U);
  turn(kStart + 2 * kWindow + 30 * kMs);
  EXPECT_EQ(closed_.size(), 2U);
  EXPECT_EQ(state_->merged, 1U) << "one nobody waits for becomes part of the next";
}

TEST_F(OpenSessionTest, EndsByItselfAfterItsWindows) {
  open(2);
  for (uint64_t time = kStart; time < kStart + 4 * kWindow; time += 10 * kMs) {
    tick(time);
    turn(time);
  }
  ASSERT_EQ(closed_.size(), 2U);
  EXPECT_FALSE(closed_[0]->last);
  EXPECT_TRUE(closed_[1]->last);
  EXPECT_EQ(taken(1), 100U);
  EXPECT_TRUE(session_->ended());
  EXPECT_EQ(table_.active(), 0U);
}

TEST_F(OpenSessionTest, StoppingEndsTheWindowThen) {
  open();
  for (int i = 0; i < 5; ++i) tick(kStart + 1);
  const uint32_t in_progress = last_;
  session_->stop(kStart + 2);
  ++cpus_[0].taken[3][0];
  EXPECT_FALSE(tick(kStart + 3)) << "nobody takes it";
  EXPECT_TRUE(arrive(in_progress, kStart + 3)) << "a tick was in progress";
  turn(kStart + 10 * kMs);
  EXPECT_TRUE(closed_.empty());
  turn(kStart + 40 * kMs);
  ASSERT_EQ(closed_.size(), 1U);
  EXPECT_TRUE(closed_[0]->last);
  EXPECT_EQ(taken(0), 6U);
  EXPECT_TRUE(session_->ended());
}

TEST_F(OpenSessionTest, AWindowEndedEarlyLeavesTheGridAsItWas) {
  open();
  tick(kStart + 1);
  session_->end_window(kStart + 200 * kMs);
  tick(kStart + 201 * kMs);
  turn(kStart + 300 * kMs);
  ASSERT_EQ(closed_.size(), 1U);
  EXPECT_EQ(taken(0), 1U);
  EXPECT_EQ(session_->window_end_ns(), kStart + kWindow);
  turn(kStart + kWindow + 30 * kMs);
  ASSERT_EQ(closed_.size(), 2U);
  EXPECT_EQ(taken(1), 1U);
}

TEST_F(OpenSessionTest, AHostThatSleptHasOneLongWindow) {
  open();
  tick(kStart + 1);
  tick(kStart + 10 * kWindow + 500 * kMs);
  turn(kStart + 10 * kWindow + 600 * kMs);
  ASSERT_EQ(closed_.size(), 1U);
  EXPECT_EQ(session_->window_end_ns(), kStart + 11 * kWindow);
  turn(kStart + 11 * kWindow + 30 * kMs);
  ASSERT_EQ(closed_.size(), 2U);
  EXPECT_EQ(taken(1), 1U);
}

}  // namespace
}  // namespace gp::session
