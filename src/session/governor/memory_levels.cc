#include "session/governor/memory_levels.h"

#include <algorithm>

namespace gp::session {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20U;
constexpr uint64_t kMostMb = uint64_t{1} << 24U;  // 16 TiB: beyond it is a slip of the finger

constexpr uint64_t percent(uint64_t bytes, uint64_t of_hundred) { return bytes / 100 * of_hundred; }

MemoryLevels levels_of(uint64_t limit) {
  return {.soft = percent(limit, 80), .hard = limit, .emergency = percent(limit, 150), .undo = percent(limit, 70)};
}

uint64_t limit_of(const MemoryLimitOptions& options, const MemoryOfHost& host) {
  if (options.limit_bytes) return *options.limit_bytes;
  if (options.threshold_mb) return *options.threshold_mb * kMiB / 80 * 100;
  return std::clamp(percent(host.available, 5), kLeastDefaultLimit, kMostDefaultLimit);
}

}  // namespace

Result<MemoryLevels> memory_levels(const MemoryLimitOptions& options, const MemoryOfHost& host) {
  if (const auto& mb = options.threshold_mb; mb && (*mb == 0 || *mb > kMostMb)) {
    return fail(ErrorCode::kUsage,
                fmt::format("--memory-cleanup-threshold-mb {}: give megabytes from 1 to {}", *mb, kMostMb));
  }
  const uint64_t asked = limit_of(options, host);
  if (asked < kLeastLimit) {
    return fail(ErrorCode::kUsage,
                fmt::format("a memory limit of {} bytes holds no agent; give {}M at least", asked, kLeastLimit / kMiB));
  }
  // 150 % of the limit stays at 94 % of the group's.
  const uint64_t limit = std::min(asked, host.cgroup_limit.value_or(UINT64_MAX) / 16 * 10);
  MemoryLevels levels = levels_of(limit);
  if (options.threshold_mb && options.limit_bytes) {
    levels.soft = *options.threshold_mb * kMiB;
    if (levels.soft >= asked) {
      return fail(ErrorCode::kUsage,
                  fmt::format("--memory-cleanup-threshold-mb {} is not below the --memory-limit of {}M",
                              *options.threshold_mb, asked / kMiB));
    }
    levels.soft = std::min(levels.soft, limit);  // the group may allow less
    levels.undo = std::min(levels.undo, percent(levels.soft, 90));
  }
  return levels;
}

}  // namespace gp::session
