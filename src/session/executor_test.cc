#include "session/executor.h"

#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <thread>

namespace gp::session {
namespace {

using std::chrono::milliseconds;

constexpr auto kPatience = std::chrono::seconds(10);

template <class Condition>
bool wait_until(Condition condition) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

void until_cancelled(const std::stop_token& cancel) {
  while (!cancel.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
}

TEST(Executor, RunsNoMoreThanItsWorkersAtATime) {
  std::atomic<int> finished = 0;
  Executor executor(3, [&] { ++finished; });
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(executor.submit([&](const std::stop_token&) {
      const int now = ++running;
      int seen = most;
      while (seen < now && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::sleep_for(milliseconds(2));
      --running;
    }));
  }
  ASSERT_TRUE(wait_until([&] { return finished == 20; }));
  EXPECT_EQ(most, 3);
}

TEST(Executor, RefusesWhatItsQueueCannotHold) {
  Executor executor(1, [] {});
  std::latch began(1);
  const auto first = executor.submit([&](const std::stop_token& cancel) {
    began.count_down();
    until_cancelled(cancel);
  });
  began.wait();
  for (size_t i = 0; i < Executor::kMaxQueued; ++i) ASSERT_TRUE(executor.submit([](const std::stop_token&) {}));
  EXPECT_FALSE(executor.submit([](const std::stop_token&) {}));
  first->cancel();
}

TEST(Executor, CancellingOneLeavesTheOthersAlone) {
  Executor executor(2, [] {});
  const auto one = executor.submit(until_cancelled);
  const auto other = executor.submit(until_cancelled);
  one->cancel();
  EXPECT_TRUE(wait_until([&] { return one->done(); }));
  std::this_thread::sleep_for(milliseconds(5));
  EXPECT_FALSE(other->done());
  executor.cancel_all();
  EXPECT_TRUE(wait_until([&] { return other->done(); }));
  EXPECT_EQ(executor.running(), 0U);
}

TEST(Executor, GoesWithWhatStillRuns) {
  std::atomic<bool> ended = false;
  {
    Executor executor(1, [] {});
    std::latch began(1);
    executor.submit([&](const std::stop_token& cancel) {
      began.count_down();
      until_cancelled(cancel);
      ended = true;
    });
    executor.submit([&](const std::stop_token&) { ADD_FAILURE() << "what is queued never runs"; });
    began.wait();
  }
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace gp::session
