#include "app/upkeep_options.h"

#include <gtest/gtest.h>

namespace gp::app {
namespace {

TEST(Size, HasUnitsOfPowersOf1024) {
  EXPECT_EQ(parse_size("256M"), 256U << 20U);
  EXPECT_EQ(parse_size("256MiB"), 256U << 20U);
  EXPECT_EQ(parse_size("256mB"), 256U << 20U);
  EXPECT_EQ(parse_size("1g"), uint64_t{1} << 30U);
  EXPECT_EQ(parse_size("300000K"), uint64_t{300'000} << 10U);
  EXPECT_EQ(parse_size("268435456"), 268'435'456U);
}

TEST(Size, IsNothingElse) {
  for (const char* text : {"", "M", "iB", "-1M", "1.5G", "256 M", "256X", "99999999999999999T", "0x10M"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(UpkeepOptions, AreCheckedBeforeAnythingIsDone) {
  EXPECT_TRUE(read_upkeep({}));
  EXPECT_EQ(read_upkeep({.memory_limit = "128M"})->memory.limit_bytes, 128U << 20U);
  EXPECT_EQ(read_upkeep({.cleanup_threshold = "800"})->memory.threshold_mb, 800U);
  EXPECT_EQ(read_upkeep({.metrics_port = "9100"})->metrics->port, 9100);
  for (const RawUpkeep& raw :
       {RawUpkeep{.memory_limit = "much"}, RawUpkeep{.memory_limit = "1M"}, RawUpkeep{.cleanup_threshold = "0"},
        RawUpkeep{.memory_limit = "100M", .cleanup_threshold = "200"}, RawUpkeep{.metrics_listen = "0.0.0.0:80"},
        RawUpkeep{.metrics_listen = "80", .metrics_port = "80"}}) {
    const auto options = read_upkeep(raw);
    ASSERT_FALSE(options);
    EXPECT_EQ(options.error().code(), ErrorCode::kUsage);
  }
}

TEST(LogFileOptions, AreTheAgentsByDefaultInTheBackgroundOnly) {
  EXPECT_FALSE(*read_log_file({}, false));
  const auto background = read_log_file({}, true);
  ASSERT_TRUE(background && *background);
  EXPECT_EQ((*background)->path, "/var/log/gprofiler/gprofiler.log");
  EXPECT_EQ((*background)->max_bytes, 5'242'880U);
  EXPECT_EQ((*background)->backups, 1U);
  EXPECT_EQ((*read_log_file({.log_file = "/tmp/x"}, false))->path, "/tmp/x");
  EXPECT_FALSE(read_log_file({.rotate_size = "0"}, true));
  EXPECT_FALSE(read_log_file({.rotate_count = "-1"}, true));
}

}  // namespace
}  // namespace gp::app
