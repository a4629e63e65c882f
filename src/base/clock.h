// The clocks of the project. Samples and sideband carry CLOCK_MONOTONIC; people read the wall clock.
#pragma once

#include <cstdint>
#include <ctime>

namespace gp {

inline uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<uint64_t>(now.tv_nsec);
}

inline uint64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }
inline int64_t wall_ns() { return static_cast<int64_t>(clock_ns(CLOCK_REALTIME)); }

}  // namespace gp
