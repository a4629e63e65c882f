// At how many bytes the governor does what. Owner thread: none (values). Units: bytes; MB in options and log lines is
// 2^20 bytes, as operators of the gProfiler agent know it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"

namespace gp::session {

struct MemoryLevels {
  uint64_t soft = 0;       // trim caches
  uint64_t hard = 0;       // the limit: refuse growth, drop detail
  uint64_t emergency = 0;  // close the session early, start again empty
  uint64_t undo = 0;       // below it for a minute: back to normal
};

struct MemoryLimitOptions {
  std::optional<uint64_t> limit_bytes;   // --memory-limit
  std::optional<uint64_t> threshold_mb;  // --memory-cleanup-threshold-mb: the soft level
  bool operator==(const MemoryLimitOptions&) const = default;
};
struct MemoryOfHost {
  uint64_t available = 0;
  std::optional<uint64_t> cgroup_limit;
};

// Below this the default limit does not go: what an active agent may take by its own budget (DESIGN, "Budgets"). On a
// host with less than 1.25 GiB to spare, 5 % would have it at its lowest rate all the time.
inline constexpr uint64_t kLeastDefaultLimit = uint64_t{64} << 20U;
inline constexpr uint64_t kMostDefaultLimit = uint64_t{256} << 20U;
// A limit below this holds no agent at all.
inline constexpr uint64_t kLeastLimit = uint64_t{8} << 20U;

// The limit is what was asked for, else min(5 % of what is available, 256 MiB), and so far below a control group's limit
// that even the emergency level is met before the kernel kills. A threshold alone stands in the ratio of the agent's old
// levels: soft 800, hard 1000, emergency 1500 MB. kUsage when the two contradict each other or are too small.
Result<MemoryLevels> memory_levels(const MemoryLimitOptions& options, const MemoryOfHost& host);

}  // namespace gp::session
