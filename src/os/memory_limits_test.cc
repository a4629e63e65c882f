#include "os/memory_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace gp::os {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kUnified =
    "31 22 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST(MemoryCgroup, OfTheUnifiedHierarchyIsFoundWithItsParents) {
  const auto cgroup = parse_memory_cgroup("0::/system.slice/gprofiler.service\n", kUnified);
  EXPECT_THAT(cgroup.v2, ElementsAre("/sys/fs/cgroup/system.slice/gprofiler.service", "/sys/fs/cgroup/system.slice",
                                     "/sys/fs/cgroup"));
  EXPECT_THAT(cgroup.v1, IsEmpty());
}

TEST(MemoryCgroup, OfTheOldHierarchyIsFoundAmongOthers) {
  const auto cgroup = parse_memory_cgroup("9:name=systemd:/\n4:cpu,memory:/job/1\n0::/\n",
                                          "40 30 0:31 / /sys/fs/cgroup/cpu,memory rw - cgroup cgroup rw,cpu,memory\n"
                                          "41 30 0:32 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
                                          "42 30 0:33 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n");
  EXPECT_THAT(cgroup.v1, ElementsAre("/sys/fs/cgroup/cpu,memory/job/1", "/sys/fs/cgroup/cpu,memory/job",
                                     "/sys/fs/cgroup/cpu,memory"));
  EXPECT_THAT(cgroup.v2, ElementsAre("/sys/fs/cgroup/unified"));
}

TEST(MemoryCgroup, OfAContainerIsTheMountItself) {
  const auto cgroup = parse_memory_cgroup("4:memory:/docker/abc\n",
                                          "1 2 0:3 /docker/abc /sys/fs/cgroup/memory ro - cgroup c rw,memory\n");
  EXPECT_THAT(cgroup.v1, ElementsAre("/sys/fs/cgroup/memory"));
}

TEST(MemoryCgroup, BearsWhatIsNotAsItShouldBe) {
  EXPECT_THAT(parse_memory_cgroup("", "").v2, IsEmpty());
  EXPECT_THAT(parse_memory_cgroup("0::relative\n:::\n0:\nx", kUnified).v2, IsEmpty());
  EXPECT_THAT(parse_memory_cgroup("0::/../../other\n", kUnified).v2, ElementsAre("/sys/fs/cgroup"));
  EXPECT_THAT(parse_memory_cgroup("0::/a\n", "1 2 3 - cgroup2\n - \n31 - cgroup2 a b\n").v2, IsEmpty());
}

TEST(MemoryLimit, IsANumberOrNone) {
  EXPECT_EQ(parse_memory_limit("268435456\n"), 268'435'456U);
  EXPECT_FALSE(parse_memory_limit("max\n"));
  EXPECT_FALSE(parse_memory_limit("9223372036854771712\n"));
  EXPECT_FALSE(parse_memory_limit(""));
}

TEST(MemoryLimit, IsTheSmallestOnTheWayUp) {
  const std::string top = testing::TempDir() + "gp_limit_test";
  std::filesystem::create_directories(top + "/a/b");
  std::ofstream(top + "/a/b/memory.max") << "max\n";
  std::ofstream(top + "/a/memory.max") << "1000\n";
  std::ofstream(top + "/memory.max") << "2000\n";
  const MemoryCgroup cgroup{.v2 = {top + "/a/b", top + "/a", top}, .v1 = {top + "/none"}};
  EXPECT_EQ(memory_limit_of(cgroup), 1000U);
  EXPECT_FALSE(memory_limit_of({.v2 = {top + "/a/b"}, .v1 = {}}));
  std::filesystem::remove_all(top);
}

TEST(AvailableMemory, IsReadFromMeminfo) {
  EXPECT_EQ(parse_available_memory("MemTotal:  100 kB\nMemAvailable:     50 kB\n"), 50U * 1024);
  EXPECT_FALSE(parse_available_memory("MemTotal:  100 kB\nMemAvailable:\nMemAvailable: x kB\n"));
  const auto here = available_memory();
  ASSERT_TRUE(here);
  EXPECT_GT(*here, 0U);
}

TEST(PressureTrigger, OfAFileThatIsNotThereIsUnsupported) {
  const auto trigger = open_pressure_trigger("/proc/pressure/nothing", 150'000, 2'000'000);
  ASSERT_FALSE(trigger);
  EXPECT_EQ(trigger.error().code(), ErrorCode::kUnsupported);
}

TEST(PressureTrigger, IsTakenByTheKernel) {
  if (::access("/proc/pressure/memory", W_OK) != 0) GTEST_SKIP() << "no PSI here, or not for us";
  const auto trigger = open_pressure_trigger("/proc/pressure/memory", 150'000, 2'000'000);
  EXPECT_TRUE(trigger) << trigger.error().message();
}

}  // namespace
}  // namespace gp::os
