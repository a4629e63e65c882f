// How many ticks of a CPU's sampling timer were due and did not happen: late timers of a CPU that the hypervisor took
// away, programs the kernel skipped. Any thread.
#pragma once

#include <cstdint>

namespace gp::sampling {

// One CPU over some time.
struct TickPeriod {
  uint64_t elapsed_ns = 0;
  uint64_t idle_ns = 0;  // nothing ran: no tick is due, and kernels differ in whether one comes
  uint64_t ticks = 0;    // that hit something
};

// An estimate from below. Where a CPU is busy by turns, how many of its ticks hit something is a matter of chance; what
// chance explains (three standard deviations) is not counted.
uint64_t missed_ticks(const TickPeriod& period, uint64_t tick_ns);

}  // namespace gp::sampling
