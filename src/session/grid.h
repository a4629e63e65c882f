// The times at which a session's windows end: multiples of its period from its start on, whatever one of them takes.
// Owner thread: none (values). Times are CLOCK_MONOTONIC ns.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gp::session {

inline constexpr uint64_t kNever = uint64_t{1} << 62U;

struct Grid {
  uint64_t start_ns = 0;
  uint64_t period_ns = 0;  // 0: there is no end

  // The first time after `now_ns`: those that passed unseen (the host slept) are left out.
  [[nodiscard]] uint64_t next_after(uint64_t now_ns) const {
    if (period_ns == 0) return kNever;
    const uint64_t since = std::max(now_ns, start_ns) - start_ns;
    return start_ns + (since / period_ns + 1) * period_ns;
  }
};

}  // namespace gp::session
