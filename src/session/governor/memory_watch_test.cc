#include "session/governor/memory_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

namespace gp::session {
namespace {

using testing::HasSubstr;
using testing::InSequence;
using testing::Return;

constexpr uint64_t kMiB = uint64_t{1} << 20U;
constexpr uint64_t kSecond = 1'000'000'000;

class MockRelief : public Relief {
 public:
  MOCK_METHOD(void, trim, (), (override));
  MOCK_METHOD(void, refuse_growth, (bool), (override));
  MOCK_METHOD(void, drop_detail, (bool), (override));
  MOCK_METHOD(void, halve_logs, (), (override));
  MOCK_METHOD(void, restore_logs, (), (override));
  MOCK_METHOD(void, cancel_collectors, (bool), (override));
  MOCK_METHOD(uint32_t, asked_rate_hz, (), (const, override));
  MOCK_METHOD(void, limit_rate, (uint32_t), (override));
  MOCK_METHOD(void, close_early, (), (override));
};

class MemoryWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    before_ = spdlog::default_logger();
    auto logger = std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(log_));
    logger->set_pattern("%v");
    spdlog::set_default_logger(logger);
    ON_CALL(relief_, asked_rate_hz).WillByDefault(Return(11));
  }
  void TearDown() override { spdlog::set_default_logger(before_); }

  // Looks for so many seconds, with so much private memory and so much in BPF maps.
  void hold(uint64_t private_mb, uint64_t maps_mb, int seconds) {
    private_ = private_mb * kMiB;
    maps_ = maps_mb * kMiB;
    for (int i = 0; i < seconds; ++i) watch_.tick(now_ns_ += kSecond, 1'700'000'000);
  }
  std::string take_log() {
    std::string text = log_.str();
    log_.str("");
    return text;
  }

  std::shared_ptr<spdlog::logger> before_;
  std::ostringstream log_;
  uint64_t private_ = 0;
  uint64_t maps_ = 0;
  uint64_t now_ns_ = kSecond;
  testing::NiceMock<MockRelief> relief_;
  MemoryWatch watch_{{.levels = {.soft = 800 * kMiB, .hard = 1000 * kMiB, .emergency = 1500 * kMiB, .undo = 700 * kMiB},
                      .version = "1.2.3",
                      .history_path = ""},
                     &relief_,
                     {.resident =
                          [this] {
                            return os::ResidentMemory{
                                .anonymous = private_, .shared = 0, .file = 5000 * kMiB, .peak = 0, .threads = 3};
                          },
                      .fds =
                          [this] {
                            os::OpenFds fds;
                            fds.bpf_map_bytes = maps_;
                            return fds;
                          }}};
};

TEST_F(MemoryWatchTest, IsQuietBelowTheLevelsWhateverFilesAreMapped) {
  EXPECT_CALL(relief_, trim).Times(0);
  hold(100, 10, 100);
  EXPECT_EQ(take_log(), "");
}

TEST_F(MemoryWatchTest, SaysWhatOperatorsKnowAndWhatWasFreed) {
  EXPECT_CALL(relief_, trim).Times(1);
  hold(802, 10, 1);
  EXPECT_EQ(take_log(), "Memory usage high (812.0MB), triggering cleanup\n");
  hold(700, 5, 1);
  EXPECT_EQ(take_log(), "Memory cleanup (trim caches) freed 107.0MB: 812.0MB -> 705.0MB\n");
}

TEST_F(MemoryWatchTest, WalksDownTheLadderAndBack) {
  {
    const InSequence in_order;
    EXPECT_CALL(relief_, trim);
    EXPECT_CALL(relief_, refuse_growth(true));
    EXPECT_CALL(relief_, drop_detail(true));
    EXPECT_CALL(relief_, halve_logs);
    EXPECT_CALL(relief_, cancel_collectors(true));
    EXPECT_CALL(relief_, limit_rate(5));
    EXPECT_CALL(relief_, refuse_growth(false));
    EXPECT_CALL(relief_, drop_detail(false));
    EXPECT_CALL(relief_, restore_logs);
    EXPECT_CALL(relief_, cancel_collectors(false));
    EXPECT_CALL(relief_, limit_rate(0));
  }
  hold(1100, 0, 21);
  const std::string down = take_log();
  EXPECT_THAT(down, HasSubstr("Memory usage critical (1100.0MB)\n"));
  EXPECT_THAT(down, HasSubstr("Memory cleanup (cancel collectors) freed 0.0MB"));
  hold(100, 0, 61);
  const std::string up = take_log();
  EXPECT_THAT(up, HasSubstr("Memory cleanup (lower rate to 5 Hz) freed 1000.0MB: 1100.0MB -> 100.0MB\n"));
  EXPECT_THAT(up, HasSubstr("Memory usage normal (100.0MB) for a minute: cleanup steps undone\n"));
}

TEST_F(MemoryWatchTest, ClosesEarlyInAnEmergency) {
  EXPECT_CALL(relief_, close_early).Times(1);
  hold(1500, 100, 1);
  EXPECT_THAT(take_log(), HasSubstr("CRITICAL memory usage: 1600.0MB - forcing aggressive cleanup\n"));
}

TEST_F(MemoryWatchTest, TrimsUnderPressure) {
  EXPECT_CALL(relief_, trim).Times(1);
  watch_.note_pressure();
  hold(50, 0, 20);
  EXPECT_THAT(take_log(), HasSubstr("Memory pressure on this host (ours: 50.0MB), triggering cleanup\n"));
}

TEST_F(MemoryWatchTest, ReportsWhatItDid) {
  hold(1600, 4, 1);
  const SelfReport report = watch_.report(1'700'000'000);
  EXPECT_EQ(report.memory_bytes(), 1604 * kMiB);
  EXPECT_EQ(report.state, MemoryState::kEmergency);
  EXPECT_EQ(report.steps[static_cast<size_t>(Step::kCloseEarly)], 1U);
  EXPECT_EQ(report.resident.threads, 3U);
}

TEST(MemoryWatchOwn, MeasuresThisProcess) {
  testing::NiceMock<MockRelief> relief;
  const MemoryWatch watch({.levels = {}, .version = "1", .history_path = ""}, &relief);
  const SelfReport report = watch.report(0);
  EXPECT_GT(report.memory_bytes(), 100'000U);
  EXPECT_GT(report.fds.total(), 2U);
  EXPECT_GE(report.resident.threads, 1U);
}

}  // namespace
}  // namespace gp::session
