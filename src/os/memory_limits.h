// How much memory this host and our control groups leave us, and being told when memory is short.
// Owner thread: any. Units: bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::os {

// MemAvailable of /proc/meminfo: what can be had without swapping.
Result<uint64_t> available_memory();
std::optional<uint64_t> parse_available_memory(std::string_view meminfo_text);

// Where the control group that counts our memory shows in the file system, the group first, then its parents up to the
// mount. Empty when it does not show.
struct MemoryCgroup {
  std::vector<std::string> v2;  // unified hierarchy: memory.max, memory.pressure
  std::vector<std::string> v1;  // memory controller of the old one: memory.limit_in_bytes
};
// Of /proc/PID/cgroup and /proc/PID/mountinfo (cgroups(7), proc(5)).
MemoryCgroup parse_memory_cgroup(std::string_view cgroup_text, std::string_view mountinfo_text);
MemoryCgroup own_memory_cgroup();

// The smallest limit on the way up. Nothing: no group sets one.
std::optional<uint64_t> memory_limit_of(const MemoryCgroup& cgroup);

// "max" and the old hierarchy's "no limit" (LONG_MAX rounded down to a page) are nothing.
std::optional<uint64_t> parse_memory_limit(std::string_view text);

// A descriptor that becomes readable with POLLPRI when some task has waited `stall_us` for memory within `window_us`
// (Documentation/accounting/psi.rst). `path` is /proc/pressure/memory or a group's memory.pressure. Fails with
// kUnsupported where the kernel has no PSI.
Result<UniqueFd> open_pressure_trigger(const std::string& path, uint32_t stall_us, uint32_t window_us);

}  // namespace gp::os
