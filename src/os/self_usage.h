// What this process takes of the host, as the kernel counts it. Owner thread: any. Units: bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gp::os {

// Of /proc/PID/status (proc(5)).
struct ResidentMemory {
  uint64_t anonymous = 0;  // RssAnon: heap, stacks
  uint64_t shared = 0;     // RssShmem
  uint64_t file = 0;       // RssFile: clean pages, which the kernel drops when it needs them; BPF arrays while mapped
  uint64_t peak = 0;       // VmHWM: all three at their highest
  uint32_t threads = 0;
};
std::optional<ResidentMemory> parse_resident_memory(std::string_view status_text);
Result<ResidentMemory> own_resident_memory();

enum class FdKind : uint8_t {
  kPipe,
  kSocket,
  kPerfEvent,
  kBpfMap,
  kBpfProgram,
  kBpfLink,
  kBtf,
  kEventFd,
  kTimerFd,
  kSignalFd,
  kEpoll,
  kPidFd,
  kMemFd,
  kFile,   // anything with a path: files, directories, devices
  kOther,  // a kind of the kernel's that has no name here
};
inline constexpr size_t kFdKinds = 15;
std::string_view fd_kind_name(FdKind kind);
// By the target of /proc/PID/fd/N.
FdKind classify_fd(std::string_view link);

struct OpenFds {
  std::array<uint32_t, kFdKinds> by_kind{};
  uint64_t bpf_map_bytes = 0;  // fdinfo "memlock" of every BPF map held, each map once
  [[nodiscard]] uint32_t total() const;
};
// Costs a system call or two for each descriptor.
Result<OpenFds> own_open_fds();

// The map's id and what the kernel charges for it, out of /proc/PID/fdinfo/N.
struct BpfMapInfo {
  uint64_t id = 0;
  uint64_t memlock_bytes = 0;
};
std::optional<BpfMapInfo> parse_bpf_map_info(std::string_view fdinfo_text);

// Children that live or wait to be reaped. Nothing where the kernel was built without CONFIG_PROC_CHILDREN.
struct Children {
  uint32_t running = 0;
  uint32_t zombies = 0;
};
std::optional<Children> own_children();

}  // namespace gp::os
