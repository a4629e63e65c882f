#include "os/proc_text.h"

#include <gtest/gtest.h>

#include <string>

namespace gp::os {
namespace {

TEST(ProcText, StatSurvivesHostileComm) {
  const std::string tail = " S 7 1 1 0 -1 4194560 10 0 0 0 111 222 0 0 20 0 1 0 987654 1000 2 18446744073709551615\n";
  const auto stat = parse_stat("123 (a) R 1 (b))" + tail);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 123);
  EXPECT_EQ(stat->comm, "a) R 1 (b)");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->ppid, 7);
  EXPECT_EQ(stat->flags, 4194560U);
  EXPECT_EQ(stat->user_ticks, 111U);
  EXPECT_EQ(stat->system_ticks, 222U);
  EXPECT_EQ(stat->threads, 1U);
  EXPECT_EQ(stat->start_ticks, 987654U);
  EXPECT_FALSE(stat->kernel_thread());
  EXPECT_TRUE(parse_stat("1 ()" + tail));
}

TEST(ProcText, StatRefusesWhatIsCut) {
  const std::string whole = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 8 0";
  ASSERT_TRUE(parse_stat(whole));
  EXPECT_TRUE(parse_stat(whole)->kernel_thread());
  for (size_t size = 0; size < whole.size() - 3; ++size) EXPECT_FALSE(parse_stat(whole.substr(0, size))) << size;
}

TEST(ProcText, Status) {
  const auto status = parse_status(
      "Name:\ta\\nb\\\\c d\nUmask:\t0022\nTgid:\t12\nPPid:\t3\nUid:\t1000\t0\t0\t0\nGid:\t5\t6\t6\t6\n"
      "NSpid:\t12\t4\t1\nThreads:\t9\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->name, "a\nb\\c d");
  EXPECT_EQ(status->tgid, 12);
  EXPECT_EQ(status->ppid, 3);
  EXPECT_EQ(status->real_uid, 1000U);
  EXPECT_EQ(status->effective_uid, 0U);
  EXPECT_EQ(status->real_gid, 5U);
  EXPECT_EQ(status->effective_gid, 6U);
  EXPECT_EQ(status->namespace_pids, (std::vector<int32_t>{12, 4, 1}));
  EXPECT_EQ(status->threads, 9U);
  EXPECT_EQ(status->effective_capabilities, 0x1ffffffffffU);
  EXPECT_FALSE(parse_status("Name:\tx\n"));
  EXPECT_FALSE(parse_status("Tgid:\tx\n"));
  EXPECT_FALSE(parse_status(""));
}

TEST(ProcText, ContainerIdIsTheLastOne) {
  const std::string a(64, 'a');
  const std::string b(64, 'b');
  EXPECT_EQ(parse_container_id("0::/system.slice/docker-" + a + ".scope\n"), a);
  EXPECT_EQ(parse_container_id("2:cpu:/docker/" + a + "\n1:name=systemd:/docker/" + a + "/kubepods/" + b + "\n"), b);
  EXPECT_EQ(parse_container_id("0::/x/" + a + "f\n"), "");  // 65 digits
  EXPECT_EQ(parse_container_id("0::/init.scope\n"), "");
  EXPECT_EQ(parse_container_id(""), "");
}

TEST(ProcText, CpuList) {
  EXPECT_EQ(*parse_cpu_list("0-3,8,10-11\n"), (std::vector<int>{0, 1, 2, 3, 8, 10, 11}));
  EXPECT_EQ(*parse_cpu_list("0\n"), (std::vector<int>{0}));
  EXPECT_TRUE(parse_cpu_list("\n")->empty());
  for (const char* bad : {"0-", "-1", "3-1", "a", "0,,1", "0,", "0-4000000000", "1,0", "0 1"}) {
    EXPECT_FALSE(parse_cpu_list(bad)) << bad;
  }
}

TEST(ProcText, CpuIdle) {
  const auto cpus = parse_cpu_idle(
      "cpu  30 0 0 300 2 0 0 0 0 0\n"
      "cpu0 10 0 0 100 2 0 0 0 0 0\n"
      "cpu2 20 0 0 200 0\n"
      "intr 5 0\n"
      "cpu9 1 1 1 1 1\n");
  ASSERT_EQ(cpus.size(), 2U);
  EXPECT_EQ(cpus[0].cpu, 0);
  EXPECT_EQ(cpus[0].ns, 1'020'000'000U);
  EXPECT_EQ(cpus[1].cpu, 2);
  EXPECT_EQ(cpus[1].ns, 2'000'000'000U);
  for (const char* bad : {"", "cpu", "cpu0", "cpu0 1 2 3 4", "cpu0 1 2 3 x 5", "cpu-1 1 2 3 4 5", "cpu0 1 2 3 -4 5"}) {
    EXPECT_TRUE(parse_cpu_idle(bad).empty()) << bad;
  }
}

TEST(ProcText, KernelRelease) {
  const auto debian = parse_kernel_release("6.1.0-37-amd64");
  ASSERT_TRUE(debian);
  EXPECT_EQ(debian->patch, 0U);
  EXPECT_EQ(debian->suffix, "-37-amd64");
  EXPECT_TRUE(debian->at_least(5, 17));
  EXPECT_TRUE(debian->at_least(6, 1));
  EXPECT_FALSE(debian->at_least(6, 1, 36));
  EXPECT_FALSE(debian->at_least(7, 0));
  EXPECT_EQ(parse_kernel_release("5.17")->suffix, "");
  EXPECT_EQ(parse_kernel_release("6.8-rc1")->suffix, "-rc1");
  EXPECT_EQ(parse_kernel_release("5.15.0.1-x")->suffix, ".1-x");
  EXPECT_FALSE(parse_kernel_release("linux"));
  EXPECT_FALSE(parse_kernel_release("6"));
  EXPECT_FALSE(parse_kernel_release("99999999999.1.1"));
}

}  // namespace
}  // namespace gp::os
