#include "symbols/perf_map.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gp::symbols {
namespace {

std::string name_at(const JitRanges& ranges, uint64_t pc) { return std::string(ranges.find(pc).value_or("-")); }

TEST(JitRanges, TakesNamesAsWritten) {
  JitRanges ranges;
  ranges.add_line("7f0000001000 20 LazyCompile:~foo /app/x.js:10 (a; b)");
  ranges.add_line("0x7f0000002000 0x10 Interpreter");
  EXPECT_EQ(name_at(ranges, 0x7f000000101f), "LazyCompile:~foo /app/x.js:10 (a; b)");
  EXPECT_EQ(name_at(ranges, 0x7f0000001020), "-");
  EXPECT_EQ(name_at(ranges, 0x7f0000002000), "Interpreter");
}

TEST(JitRanges, LetsTheNewestWin) {
  JitRanges ranges;
  ranges.add_line("1000 100 old");
  ranges.add_line("1200 10 inside");
  ranges.add_line("1080 200 new");
  EXPECT_EQ(name_at(ranges, 0x107f), "old");
  EXPECT_EQ(name_at(ranges, 0x1080), "new");
  EXPECT_EQ(name_at(ranges, 0x1205), "new");
  ranges.add_line("1080 200 newer");
  EXPECT_EQ(name_at(ranges, 0x1080), "newer");
  EXPECT_EQ(ranges.size(), 2U);
}

TEST(JitRanges, CountsWhatDoesNotParse) {
  JitRanges ranges;
  for (const char* line :
       {"", "x", "1000", "1000 10", "1000 10 ", "1000 zz name", "10000000000000000 1 name", "-1 1 n"})
    ranges.add_line(line);
  EXPECT_EQ(ranges.malformed(), 8U);
  ranges.add_line("ffffffffffffff00 ffffffffffffffff to the end");
  EXPECT_EQ(name_at(ranges, 0xfffffffffffffff0), "to the end");
  ranges.add_line("1000 0 nothing");
  EXPECT_EQ(ranges.size(), 1U);
}

TEST(JitRanges, IsBounded) {
  JitRanges ranges;
  const std::string name(4000, 'x');
  for (uint64_t i = 0; i < 5000; ++i) ranges.add_line(fmt::format("{:x} 10 {}", i * 16, name));
  EXPECT_GT(ranges.dropped(), 0U);
  EXPECT_LT(ranges.memory_bytes(), JitRanges::kMaxNameBytes * 2);
}

class PerfMapFile : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(root_ / "tmp"); }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(std::string_view text, std::ios::openmode mode = std::ios::app) {
    std::ofstream(root_ / "tmp/perf-7.map", mode) << text;
  }

  std::filesystem::path root_ = std::filesystem::path(testing::TempDir()) / ("perf_map." + std::to_string(::getpid()));
};

TEST_F(PerfMapFile, ReadsWhatWasAdded) {
  EXPECT_EQ(PerfMap::open(root_, 7).error().code(), ErrorCode::kNotFound);
  write("1000 10 one\n2000 10 tw");
  PerfMap map(PerfMap::open(root_, 7).value());
  ASSERT_TRUE(map.update());
  EXPECT_EQ(map.find({0x1000}), "one");
  EXPECT_FALSE(map.find({0x2000}));
  write("o\n3000 10 three\n");
  ASSERT_TRUE(map.update());
  EXPECT_EQ(map.find({0x2000}), "two");
  EXPECT_EQ(map.find({0x3000}), "three");
  EXPECT_EQ(map.ranges().malformed(), 0U);
}

TEST_F(PerfMapFile, ReadsATruncatedFileAnew) {
  write("1000 10 one\n2000 10 two\n");
  PerfMap map(PerfMap::open(root_, 7).value());
  ASSERT_TRUE(map.update());
  write("1000 10 uno\n", std::ios::trunc);
  ASSERT_TRUE(map.update());
  EXPECT_EQ(map.find({0x1000}), "uno");
  EXPECT_FALSE(map.find({0x2000}));
}

TEST_F(PerfMapFile, PassesOverEndlessLines) {
  write("1000 10 one\n" + std::string(100'000, 'x'));
  PerfMap map(PerfMap::open(root_, 7).value());
  ASSERT_TRUE(map.update());
  write(std::string(100'000, 'x') + "\n2000 10 two\n");
  ASSERT_TRUE(map.update());
  EXPECT_EQ(map.find({0x2000}), "two");
}

}  // namespace
}  // namespace gp::symbols
