// External collectors of a window: at work at the same time, late, failed, and never at anybody else's cost.
#include "session/closing.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "base/clock.h"

namespace gp::session {
namespace {

using std::chrono::milliseconds;
constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kPatienceNs = 60'000 * kMs;

class FakeCollector final : public managed::Collector {
 public:
  using Collect = std::function<managed::Collection(const managed::Window&, const std::stop_token&)>;
  FakeCollector(std::string name, Collect collect) : name_(std::move(name)), collect_(std::move(collect)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  managed::Collection collect(const managed::Window& window, const std::stop_token& cancel) override {
    return collect_(window, cancel);
  }

 private:
  std::string name_;
  Collect collect_;
};

managed::Collection until_window_end(const managed::Window& window, const std::stop_token& /*cancel*/) {
  std::this_thread::sleep_until(window.end);
  return {};
}
managed::Collection until_cancelled(const managed::Window& /*window*/, const std::stop_token& cancel) {
  while (!cancel.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
  return {};
}

class KeepWindows final : public ProfileSink {
 public:
  Result<void> take(profile::Profile /*profile*/, const WindowInfo& window) override {
    const std::lock_guard lock(mutex_);
    windows_.push_back(window);
    if (refuse) return fail(ErrorCode::kSystem, "the disk is full");
    return {};
  }
  std::vector<WindowInfo> windows() {
    const std::lock_guard lock(mutex_);
    return windows_;
  }
  std::atomic<bool> refuse = false;

 private:
  std::mutex mutex_;
  std::vector<WindowInfo> windows_;
};

class ClosingTest : public testing::Test {
 protected:
  void SetUp() override {
    symbols::SymbolizerOptions names;
    names.cache_directory = "";
    names.kernel = {.kallsyms = "/nonexistent", .modules = "/nonexistent"};
    closing_ = std::move(Closing::start({.names = std::move(names),
                                         .runtimes = {},
                                         .symbol_bytes = 1U << 20U,
                                         .event = "cpu-clock",
                                         .max_workers = 2,
                                         .profiler_timeout_ns = 30'000 * kMs})
                             .value());
  }
  std::shared_ptr<SessionState> session(std::vector<std::shared_ptr<managed::Collector>> collectors = {}) {
    SessionOptions options;
    options.name = "test";
    options.sink = sink_;
    options.collectors = std::move(collectors);
    return std::make_shared<SessionState>(++last_id_, options);
  }
  static auto collector(const std::string& name, FakeCollector::Collect collect) {
    return std::make_shared<FakeCollector>(name, std::move(collect));
  }
  // A window of that length begins now.
  std::unique_ptr<Window> begin(const SessionState& session, uint64_t ms, uint64_t number = 0) {
    auto window = std::make_unique<Window>();
    window->number = number;
    window->start_ns = monotonic_ns();
    window->end_ns = window->start_ns + ms * kMs;
    closing_->begin(session, *window, window->end_ns);
    return window;
  }
  void end(const std::shared_ptr<SessionState>& session, std::unique_ptr<Window> window) {
    const uint64_t now = monotonic_ns();
    if (window->end_ns > now) std::this_thread::sleep_for(std::chrono::nanoseconds(window->end_ns - now));
    ++session->closing;
    closing_->post({.session = session, .window = std::move(window), .start_unix_ns = 0, .end_unix_ns = 0});
  }
  std::vector<WindowInfo> wait_for(size_t count) {
    const uint64_t limit = monotonic_ns() + kPatienceNs;
    while (sink_->windows().size() < count && monotonic_ns() < limit) std::this_thread::sleep_for(milliseconds(1));
    return sink_->windows();
  }

  void wait_for_collectors() {
    const uint64_t limit = monotonic_ns() + kPatienceNs;
    while (closing_->collectors_running() > 0 && monotonic_ns() < limit) std::this_thread::sleep_for(milliseconds(1));
    EXPECT_EQ(closing_->collectors_running(), 0U);
  }

  std::shared_ptr<KeepWindows> sink_ = std::make_shared<KeepWindows>();
  SessionId last_id_ = 0;
  std::unique_ptr<Closing> closing_;
};

TEST_F(ClosingTest, CollectorsOfAWindowRunAtTheSameTime) {
  const auto both = session({collector("a", until_window_end), collector("b", until_window_end)});
  end(both, begin(*both, 400));  // patience is half of it: enough for a busy machine
  const auto windows = wait_for(1);
  ASSERT_EQ(windows.size(), 1U);
  ASSERT_EQ(windows[0].collectors.size(), 2U);
  for (const auto& outcome : windows[0].collectors) EXPECT_EQ(outcome.error, "");
}

TEST_F(ClosingTest, ALateCollectorIsCancelledAndTheWindowClosedWithoutIt) {
  const auto hung = session({collector("hung", until_cancelled), collector("good", until_window_end)});
  const uint64_t before = monotonic_ns();
  end(hung, begin(*hung, 100));
  const auto windows = wait_for(1);
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_GE(monotonic_ns() - before, 150 * kMs) << "half the window, since that is less than the limit";
  ASSERT_EQ(windows[0].collectors.size(), 2U);
  EXPECT_TRUE(windows[0].collectors[0].timed_out);
  EXPECT_FALSE(windows[0].collectors[1].timed_out);
  EXPECT_EQ(hung->collectors_timed_out, 1U);
  wait_for_collectors();
}

TEST_F(ClosingTest, AHungCollectorDelaysNoOtherSession) {
  const auto hung = session({collector("hung", until_cancelled)});
  const auto other = session();
  auto window = begin(*hung, 10'000);
  window->end_ns = monotonic_ns();
  closing_->begin(*hung, *window, monotonic_ns() + 10'000 * kMs);
  ++hung->closing;
  window->end_ns = monotonic_ns() + 20'000 * kMs;  // as if it had run its whole time
  closing_->post({.session = hung, .window = std::move(window), .start_unix_ns = 0, .end_unix_ns = 0});
  end(other, begin(*other, 1));
  const auto windows = wait_for(1);
  ASSERT_EQ(windows.size(), 1U);
  EXPECT_EQ(windows[0].session, other->id);
  closing_->hurry();
  EXPECT_EQ(wait_for(2).size(), 2U) << "nobody waits any more";
}

TEST_F(ClosingTest, FailuresAreCountedWithTheirReasons) {
  const auto failing = session({collector("bad", [](const auto&, const auto&) {
    managed::Collection collection;
    collection.failures.push_back({.process = std::nullopt, .reason = "not found"});
    return collection;
  })});
  end(failing, begin(*failing, 10));
  ASSERT_EQ(wait_for(1).size(), 1U);
  EXPECT_EQ(failing->collectors_failed, 1U);
}

TEST_F(ClosingTest, ACollectorStillAtWorkIsLeftOutOfTheNextWindow) {
  std::atomic<bool> release = false;
  std::atomic<int> calls = 0;
  const auto slow = session({collector("stubborn", [&](const auto&, const auto&) {
    ++calls;
    while (!release) std::this_thread::sleep_for(milliseconds(1));
    return managed::Collection{};
  })});
  end(slow, begin(*slow, 20));
  ASSERT_EQ(wait_for(1).size(), 1U);
  end(slow, begin(*slow, 20, 1));
  const auto windows = wait_for(2);
  ASSERT_EQ(windows.size(), 2U);
  EXPECT_EQ(calls, 1);
  EXPECT_NE(windows[1].collectors.at(0).error, "");
  release = true;
  wait_for_collectors();
}

TEST_F(ClosingTest, ASinkThatFailsOnceLosesThatWindowOnly) {
  const auto some = session();
  sink_->refuse = true;
  end(some, begin(*some, 1));
  ASSERT_EQ(wait_for(1).size(), 1U);
  sink_->refuse = false;
  auto window = begin(*some, 1, 1);
  window->last = true;
  end(some, std::move(window));
  ASSERT_EQ(wait_for(2).size(), 2U);
  std::unique_lock lock(some->mutex);
  EXPECT_TRUE(some->changed.wait_for(lock, std::chrono::seconds(10), [&] { return some->ended; }));
  EXPECT_EQ(some->closed, 2U);
  EXPECT_EQ(some->failed, 1U);
  EXPECT_EQ(some->last_error, "the disk is full");
}

}  // namespace
}  // namespace gp::session
