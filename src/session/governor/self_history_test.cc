#include "session/governor/self_history.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gp::session {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int64_t kStart = 1'700'000'000;
constexpr uint64_t kHour = 3600;

HistoryRow row(uint64_t hour, uint64_t memory_bytes) {
  return {.time_unix_s = kStart + static_cast<int64_t>(hour * kHour),
          .uptime_s = hour * kHour,
          .memory_bytes = memory_bytes,
          .fds = 40,
          .pipes = 2,
          .threads = 5,
          .children = 0,
          .steps = 0};
}

class SelfHistoryFile : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_ = fmt::format("{}gp_self_history.{}", testing::TempDir(), ::getpid());  // tests run side by side
  std::string path_ = folder_ + "/self.tsv";
};

TEST(SelfHistory, ReadsWhatItWrote) {
  const std::vector<HistoryRow> rows{row(1, 100), row(2, 200)};
  EXPECT_EQ(parse_history(history_file_text(rows)), rows);
}

TEST(SelfHistory, LeavesOutWhatDoesNotParse) {
  EXPECT_THAT(parse_history(""), IsEmpty());
  EXPECT_THAT(
      parse_history("\n\t\t\n1\t2\n-1\t1\t1\t1\t1\t1\t1\t1\n1\t1\t1\t1\t1\t1\t1\t1\t1\n1\t1\t1\t1\t1\t1\t1\t\n"),
      IsEmpty());
  EXPECT_THAT(parse_history("99999999999999999999\t1\t1\t1\t1\t1\t1\t1\n"), IsEmpty());
  EXPECT_THAT(parse_history("x\n1\t2\t3\t4\t5\t6\t7\t8\n1\t2\t3"), SizeIs(1));
}

TEST(SelfHistory, KeepsTheNewest) {
  std::vector<HistoryRow> rows;
  rows.reserve(kHistoryRows + 5);
  for (uint64_t hour = 0; hour < kHistoryRows + 5; ++hour) rows.push_back(row(hour, 1));
  const auto kept = parse_history(history_file_text(rows));
  ASSERT_THAT(kept, SizeIs(kHistoryRows));
  EXPECT_EQ(kept.back(), rows.back());
}

TEST_F(SelfHistoryFile, GetsARowAnHour) {
  SelfHistory history(path_);
  for (uint64_t minute = 0; minute <= 300; ++minute) {
    HistoryRow now = row(0, 1000 + minute);
    now.uptime_s = minute * 60;
    if (!history.due(now.uptime_s)) continue;
    ASSERT_TRUE(history.add(now));
  }
  const auto rows = SelfHistory::read(path_);
  ASSERT_TRUE(rows);
  ASSERT_THAT(*rows, SizeIs(5));
  EXPECT_EQ(rows->front().memory_bytes, 1060U);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

TEST_F(SelfHistoryFile, GoesOnAfterARestartAndOverADamagedFile) {
  std::filesystem::create_directories(folder_);
  std::ofstream(path_) << std::string(1000, '\xff') << "\n" << history_file_text({row(7, 7)});
  SelfHistory history(path_);
  ASSERT_TRUE(history.add(row(1, 1)));
  EXPECT_THAT(*SelfHistory::read(path_), SizeIs(2));
}

TEST_F(SelfHistoryFile, DoesNotGrowWithoutBound) {
  std::filesystem::create_directories(folder_);
  std::vector<HistoryRow> rows;
  rows.reserve(kHistoryRows + 5);
  for (uint64_t hour = 0; hour < kHistoryRows; ++hour) rows.push_back(row(hour, 1));
  std::ofstream(path_) << history_file_text(rows);
  SelfHistory history(path_);
  for (uint64_t hour = 1; hour < 30; ++hour) ASSERT_TRUE(history.add(row(hour, 2)));
  EXPECT_THAT(*SelfHistory::read(path_), SizeIs(kHistoryRows));
}

TEST_F(SelfHistoryFile, SaysWhenItCannotBeWrittenAndTriesAgainLater) {
  std::ofstream(testing::TempDir() + "gp_self_history_file") << "in the way";
  SelfHistory history(testing::TempDir() + "gp_self_history_file/self.tsv");
  EXPECT_FALSE(history.add(row(1, 1)));
  EXPECT_FALSE(history.due(kHour + 1));
  EXPECT_TRUE(history.due(2 * kHour));
  std::filesystem::remove(testing::TempDir() + "gp_self_history_file");
}

TEST(SelfHistory, ShowsDaysAndTheTrendOfTheLongestRun) {
  std::vector<HistoryRow> rows;
  for (uint64_t hour = 1; hour <= 5; ++hour) rows.push_back(row(hour, 900'000'000));
  // A restart, then three days that gain a mebibyte an hour.
  for (uint64_t hour = 1; hour <= 72; ++hour) {
    rows.push_back(row(hour, hour << 20U));
    rows.back().time_unix_s += int64_t{10} * 3600;
  }
  const std::string text = history_text(rows);
  EXPECT_THAT(text, HasSubstr("2023-11-15"));
  EXPECT_THAT(text, HasSubstr("2023-11-17"));
  EXPECT_THAT(text, HasSubstr("memory +1.000MB an hour, +24.00MB a day"));
  EXPECT_THAT(text, HasSubstr("descriptors +0.000 an hour, +0.00 a day"));
  EXPECT_THAT(history_text({}), HasSubstr("no history yet"));
}

}  // namespace
}  // namespace gp::session
