#include "sampling/missed_ticks.h"

#include <algorithm>
#include <cmath>

namespace gp::sampling {
namespace {

// /proc/stat tells idle time to 10 ms, and a tick in progress is due but not counted yet.
constexpr double kIdleGrainNs = 10e6;

}  // namespace

uint64_t missed_ticks(const TickPeriod& period, uint64_t tick_ns) {
  if (period.elapsed_ns == 0 || tick_ns == 0) return 0;
  const auto elapsed = static_cast<double>(period.elapsed_ns);
  const double idle = std::min(static_cast<double>(period.idle_ns), elapsed);
  const double busy = elapsed - idle;
  const auto tick = static_cast<double>(tick_ns);
  // Each of elapsed / tick grid points is busy with probability busy / elapsed.
  const double chance = 3 * std::sqrt(busy / tick * (idle / elapsed));
  const double grain = 1 + (idle > 0 ? kIdleGrainNs / tick : 0);
  const double missed = busy / tick - static_cast<double>(period.ticks) - chance - grain;
  return missed > 0 ? static_cast<uint64_t>(missed) : 0;
}

}  // namespace gp::sampling
