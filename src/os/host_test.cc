#include "os/host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace gp::os {
namespace {

TEST(Host, KnowsTheKernelAndItsCpus) {
  EXPECT_TRUE(parse_kernel_release(kernel_release()));
  EXPECT_FALSE(host_name().empty());
  EXPECT_EQ(boot_id()->size(), 36U);
  const auto cpus = online_cpus();
  ASSERT_TRUE(cpus);
  EXPECT_TRUE(std::ranges::is_sorted(*cpus));
  const int64_t earlier = monotonic_ns();
  EXPECT_LE(earlier, monotonic_ns());
  EXPECT_GT(realtime_ns(), int64_t{1'600'000'000} * 1'000'000'000);
}

TEST(Host, ParsesLockdown) {
  EXPECT_EQ(parse_lockdown("[none] integrity confidentiality\n"), "none");
  EXPECT_EQ(parse_lockdown("none [integrity] confidentiality\n"), "integrity");
  EXPECT_EQ(parse_lockdown("] ["), "none");
  EXPECT_EQ(parse_lockdown(""), "none");
}

TEST(Host, TellsHiddenKernelAddresses) {
  EXPECT_FALSE(shows_addresses("0000000000000000 T _text\n0000000000000000 T x\n"));
  EXPECT_TRUE(shows_addresses("0000000000000000 A per_cpu\nffffffff81000000 T _text\n"));
  EXPECT_FALSE(shows_addresses("0000000000000000 T _text\n00000"));
  EXPECT_FALSE(shows_addresses(""));
}

TEST(InvokingUser, ComesFromSudo) {
  ::unsetenv("SUDO_UID");
  ::setenv("SUDO_GID", "65534", 1);
  EXPECT_FALSE(*invoking_user());
  ::setenv("SUDO_UID", "0", 1);
  EXPECT_FALSE(*invoking_user());
  ::setenv("SUDO_UID", "3999999999", 1);
  EXPECT_EQ((*invoking_user())->uid, 3999999999U);
  EXPECT_EQ((*invoking_user())->name, "");
  EXPECT_EQ((*invoking_user())->groups, (std::vector<gid_t>{65534}));
  for (const char* bad : {"", "x", "-1", "4294967295", "1 "}) {
    ::setenv("SUDO_UID", bad, 1);
    EXPECT_FALSE(invoking_user()) << bad;
  }
  ::unsetenv("SUDO_UID");
  ::unsetenv("SUDO_GID");
}

}  // namespace
}  // namespace gp::os
