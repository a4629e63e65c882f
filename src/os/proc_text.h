// Pure parsers of /proc texts. The text may be truncated, hostile or not what it claims: nothing is read beyond it,
// every loop is bounded by it, and what does not parse is nothing. Formats: proc(5) and the kernel's fs/proc/.
// Owner thread: none (functions of their arguments).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gp::os {

// A whole decimal number and nothing else.
std::optional<uint64_t> parse_decimal(std::string_view text);

// /proc/PID/stat.
struct ProcStat {
  int32_t pid = 0;
  std::string comm;  // raw bytes; may hold spaces and parentheses
  char state = '?';  // R, S, D, Z, …
  int32_t ppid = 0;
  uint32_t flags = 0;       // PF_* of include/linux/sched.h
  uint64_t user_ticks = 0;  // CPU time, 100 per second
  uint64_t system_ticks = 0;
  uint32_t threads = 0;      // a zombie's leader counts as one
  uint64_t start_ticks = 0;  // since boot, 100 per second

  [[nodiscard]] bool kernel_thread() const { return (flags & 0x00200000U) != 0; }  // PF_KTHREAD
  [[nodiscard]] bool exiting() const { return (flags & 0x00000004U) != 0; }        // PF_EXITING
};
std::optional<ProcStat> parse_stat(std::string_view text);

// /proc/PID/status.
struct ProcStatus {
  std::string name;  // the comm, unescaped
  int32_t tgid = 0;
  int32_t ppid = 0;
  uint32_t real_uid = 0;
  uint32_t effective_uid = 0;
  uint32_t real_gid = 0;
  uint32_t effective_gid = 0;
  uint32_t threads = 0;
  std::vector<int32_t> namespace_pids;  // NSpid: outermost first; at most 32 (MAX_PID_NS_LEVEL)
  uint64_t effective_capabilities = 0;
};
std::optional<ProcStatus> parse_status(std::string_view text);

// The last 64-hex-digit id in the paths of /proc/PID/cgroup: the container's id under Docker, containerd, CRI-O
// and podman alike. Empty outside containers.
std::string parse_container_id(std::string_view cgroup_text);

// A list of numbers such as "0-3,8,10-11" (/sys/devices/system/cpu/online). Numbers above 65,535 are refused.
std::optional<std::vector<int>> parse_cpu_list(std::string_view text);

// Time a CPU had nothing to run since boot, waiting for a disk included. To 10 ms (USER_HZ), as the kernel tells it.
struct CpuIdle {
  int cpu = 0;
  uint64_t ns = 0;
};
// Of /proc/stat; CPUs that are offline have no line. Malformed lines are left out.
std::vector<CpuIdle> parse_cpu_idle(std::string_view text);

// Version of a kernel as uname(2) tells it: "6.1.0-37-amd64" is 6, 1, 0 with suffix "-37-amd64".
struct KernelRelease {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint32_t patch = 0;
  std::string suffix;

  [[nodiscard]] bool at_least(uint32_t wanted_major, uint32_t wanted_minor, uint32_t wanted_patch = 0) const;
};
std::optional<KernelRelease> parse_kernel_release(std::string_view text);

}  // namespace gp::os
