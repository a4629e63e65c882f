// Facts about this host and who started us. Owner thread: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/proc_text.h"

namespace gp::os {

int64_t monotonic_ns();  // CLOCK_MONOTONIC
int64_t realtime_ns();   // since 1970, UTC

std::string host_name();
std::string kernel_release();   // "6.1.0-37-amd64"
std::string kernel_version();   // "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)"
Result<std::string> boot_id();  // 36 characters, new at each boot
Result<std::vector<int>> online_cpus();
std::vector<CpuIdle> cpu_idle();  // by CPU, ascending; empty where /proc/stat cannot be read
bool has_kernel_btf();
// Whether /proc/kallsyms shows us addresses rather than zeros (kptr_restrict, CAP_SYSLOG).
bool kernel_addresses_visible();
bool shows_addresses(std::string_view kallsyms);  // any line that starts with an address other than 0
// The kernel an Ubuntu kernel was made from, "Ubuntu 6.2.0-39.40-generic 6.2.16"; empty elsewhere.
std::string version_signature();

// Kernel lockdown (kernel_lockdown(7)): "none", "integrity" or "confidentiality"; "none" where the kernel has none.
std::string lockdown_mode();
// Which one of "[none] integrity confidentiality" is chosen.
std::string parse_lockdown(std::string_view text);

// The user who ran sudo.
struct InvokingUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;  // empty: not in the user database
  std::string home;
  std::vector<gid_t> groups;  // supplementary ones
};
// By SUDO_UID and SUDO_GID (sudo(8)). Nothing outside sudo and for root; an error when they are no numbers.
Result<std::optional<InvokingUser>> invoking_user();

}  // namespace gp::os
