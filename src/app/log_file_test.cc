#include "app/log_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace gp::app {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

class LogFileTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void open(uint64_t max_bytes = 1'000'000, uint32_t backups = 1) {
    auto opened = LogFile::open({.path = path_, .max_bytes = max_bytes, .backups = backups});
    ASSERT_TRUE(opened) << opened.error().message();
    file_ = *opened;
    logger_ = std::make_unique<spdlog::logger>("gprofiler", file_);
    logger_->set_level(spdlog::level::debug);
  }
  static std::string text(const std::string& path) {
    std::ostringstream all;
    all << std::ifstream(path).rdbuf();
    return all.str();
  }
  // Longer than what may pass before the name is looked at again.
  static void wait() { std::this_thread::sleep_for(std::chrono::milliseconds(1050)); }

  std::string folder_ = fmt::format("{}gp_log_file.{}", testing::TempDir(), ::getpid());  // tests run side by side
  std::string path_ = folder_ + "/deeper/gprofiler.log";
  std::shared_ptr<LogFile> file_;
  std::unique_ptr<spdlog::logger> logger_;
};

TEST_F(LogFileTest, HasTheFormatOperatorsKnow) {
  open();
  logger_->warn("Memory usage high ({}), triggering cleanup", "812.3MB");
  EXPECT_THAT(
      text(path_),
      MatchesRegex("\\[[0-9]+-[0-9]+-[0-9]+ [0-9]+:[0-9]+:[0-9]+,[0-9]+ UTC\\] WARNING: gprofiler: Memory usage "
                   "high \\(812.3MB\\), triggering cleanup\n"));
}

TEST_F(LogFileTest, RotatesBySize) {
  open(1000, 2);
  for (int i = 0; i < 60; ++i) logger_->info("line {:03}", i);
  EXPECT_THAT(text(path_), HasSubstr("line 059"));
  EXPECT_LE(std::filesystem::file_size(path_), 1000U);
  EXPECT_LE(std::filesystem::file_size(path_ + ".1"), 1000U);
  EXPECT_THAT(text(path_ + ".2"), Not(HasSubstr("line 000")));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".3"));
}

TEST_F(LogFileTest, BeginsAnewWithoutBackups) {
  open(500, 0);
  for (int i = 0; i < 30; ++i) logger_->info("line {:03}", i);
  EXPECT_THAT(text(path_), HasSubstr("line 029"));
  EXPECT_FALSE(std::filesystem::exists(path_ + ".1"));
}

TEST_F(LogFileTest, GoesOnInAFileOfItsOwnNameWhenMovedAwayOrDeleted) {
  open();
  logger_->info("first");
  std::filesystem::rename(path_, path_ + ".moved");
  wait();
  logger_->info("second");
  EXPECT_THAT(text(path_), HasSubstr("second"));
  EXPECT_THAT(text(path_ + ".moved"), Not(HasSubstr("second")));
  std::filesystem::remove_all(folder_);
  wait();
  logger_->info("third");
  EXPECT_THAT(text(path_), HasSubstr("third"));
  EXPECT_EQ(file_->reopened(), 2U);
  EXPECT_EQ(file_->dropped(), 0U);
}

TEST_F(LogFileTest, CountsTheSizeAnewAfterATruncation) {
  open(1000);
  for (int i = 0; i < 12; ++i) logger_->info("before");
  std::filesystem::resize_file(path_, 0);
  wait();
  logger_->info("after");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".1"));
  EXPECT_EQ(text(path_).front(), '[');
}

TEST_F(LogFileTest, DropsAndCountsWhatCannotBeWritten) {
  open();
  std::filesystem::remove_all(folder_);
  std::ofstream(folder_) << "in the way";
  wait();
  logger_->info("lost");
  EXPECT_EQ(file_->dropped(), 1U);
  std::filesystem::remove(folder_);
  logger_->info("back");
  EXPECT_THAT(text(path_), HasSubstr("1 lines of log could not be written before this one\n"));
  EXPECT_THAT(text(path_), HasSubstr("back"));
}

TEST_F(LogFileTest, IsNoLinkAndNoFifo) {
  std::filesystem::create_directories(folder_ + "/deeper");
  std::filesystem::create_symlink("/tmp/elsewhere", path_);
  EXPECT_FALSE(LogFile::open({.path = path_}));
  std::filesystem::remove(path_);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_FALSE(LogFile::open({.path = path_}));
}

}  // namespace
}  // namespace gp::app
