#include "app/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "app/kernel_check.h"

namespace gp::app {
namespace {

using testing::HasSubstr;

HostFacts good_host() {
  HostFacts facts;
  facts.capabilities = os::CapabilitySet(~uint64_t{0});
  facts.kernel_release = "6.12.9";
  facts.cpus = 4;
  return facts;
}

os::CapabilitySet without(std::initializer_list<int> capabilities) {
  uint64_t bits = ~uint64_t{0};
  for (const int capability : capabilities) bits &= ~(uint64_t{1} << static_cast<unsigned>(capability));
  return os::CapabilitySet(bits);
}

std::string failure(const HostFacts& facts, bool force = false) {
  const auto checks = assess_host(facts, force);
  const auto result = first_failure(checks);
  return result ? "" : result.error().message();
}

TEST(Preflight, AGoodHostHasNothingToSay) {
  for (const Check& check : assess_host(good_host(), false)) {
    EXPECT_EQ(check.state, CheckState::kOk) << check.name;
    EXPECT_TRUE(check.remedy.empty()) << check.name;
  }
}

TEST(Preflight, JudgesByCapability) {
  HostFacts facts = good_host();
  facts.capabilities = without({CAP_BPF, CAP_PERFMON});  // CAP_SYS_ADMIN stays
  EXPECT_EQ(failure(facts), "");
  facts.capabilities = without({CAP_BPF, CAP_SYS_ADMIN, CAP_SYS_PTRACE});
  EXPECT_EQ(failure(facts), "capabilities: lacking CAP_BPF, CAP_SYS_PTRACE; run it with sudo");
  facts.capabilities = without({CAP_DAC_READ_SEARCH});
  const auto checks = assess_host(facts, false);
  EXPECT_TRUE(first_failure(checks));
  EXPECT_EQ(std::ranges::count(checks, CheckState::kWarn, &Check::state), 1);
}

TEST(Preflight, EachLackFailsWithARemedy) {
  const auto expect = [](auto change, const char* text) {
    HostFacts facts = good_host();
    change(facts);
    EXPECT_THAT(failure(facts), HasSubstr(text));
    EXPECT_THAT(failure(facts), HasSubstr("; "));
  };
  expect([](HostFacts& facts) { facts.initial_pid_namespace = false; }, "--pid=host");
  expect([](HostFacts& facts) { facts.initial_user_namespace = false; }, "--userns=host");
  expect([](HostFacts& facts) { facts.btf = false; }, "CONFIG_DEBUG_INFO_BTF");
  expect([](HostFacts& facts) { facts.lockdown = "confidentiality"; }, "lockdown=confidentiality");
  expect([](HostFacts& facts) { facts.bpf_error = Error(ErrorCode::kUnsupported, "no BPF"); }, "CONFIG_BPF_SYSCALL");
  expect([](HostFacts& facts) { facts.bpf_error = Error::system("load", EPERM); }, "--privileged");
  expect([](HostFacts& facts) { facts.perf_error = Error::system("open", EACCES); }, "perf_event_open");
  expect([](HostFacts& facts) { facts.kernel_release = "5.10.0"; }, "older than 5.17");
}

TEST(KernelCheck, RefusesKernelsThatFreeze) {
  const auto state = [](const char* release, const char* version = "", const char* signature = "", bool force = false) {
    HostFacts facts = good_host();
    facts.kernel_release = release;
    facts.kernel_version = version;
    facts.version_signature = signature;
    return check_kernel_freeze(facts, force).state;
  };
  for (const char* bad : {"5.19.0", "5.19.17-200.fc36", "6.0.19", "6.1.35", "6.1.0", "6.2.16"}) {
    EXPECT_EQ(state(bad), CheckState::kFail) << bad;
  }
  for (const char* good : {"5.17.1", "5.18.19", "6.1.36", "6.1.140", "6.3.0", "6.12.1", "7.0.0"}) {
    EXPECT_EQ(state(good), CheckState::kOk) << good;
  }
  const char* debian = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)";
  EXPECT_EQ(state("6.1.0-37-amd64", debian), CheckState::kOk);
  EXPECT_EQ(state("6.1.0-9-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.27-1 (2023-05-08)"), CheckState::kFail);
  EXPECT_EQ(state("6.2.0-39-generic", "", "Ubuntu 6.2.0-39.40-generic 6.2.16"), CheckState::kFail);
  EXPECT_EQ(state("6.5.0-14-generic", "", "Ubuntu 6.5.0-14.14-generic 6.5.3"), CheckState::kOk);
  EXPECT_EQ(state("6.2.0", "", "", true), CheckState::kWarn);
  EXPECT_EQ(state("nonsense"), CheckState::kWarn);
}

TEST(Preflight, ThisHostCanBeLookedAt) {
  const auto facts = gather_host_facts();
  EXPECT_GT(facts.cpus, 0U);
  EXPECT_FALSE(assess_host(facts, false).empty());
}

}  // namespace
}  // namespace gp::app
