// A window of one session: what was recorded, and the kernel's account of it. Owner thread: reader until it is closed,
// then the closer.
#pragma once

#include <cstdint>

#include "base/account.h"
#include "sampling/session_table.h"
#include "session/recording.h"

namespace gp::session {

// Of all CPUs since the sampler was loaded.
struct TickTotals {
  uint64_t runs = 0;    // that ran the sampling program
  uint64_t missed = 0;  // that were due and did not
};

struct Window {
  Recording recording;
  uint64_t number = 0;
  uint32_t merged = 0;    // further periods that are in it
  uint64_t start_ns = 0;  // CLOCK_MONOTONIC, as sample times are
  uint64_t end_ns = 0;
  bool last = false;  // of its session

  uint64_t waiting = 0;            // samples the loader is to finish
  uint64_t unwanted = 0;           // taken by a kernel that did not know yet that the process is not of this session
  uint64_t unreadable_before = 0;  // records nobody could read, when it began
  Charge charge{account("windows")};
  sampling::BankCounts counts;  // the kernel's
  uint64_t missed = 0;          // ticks that would have been samples

  // Adds a period's account. Whom a missed tick would have hit, nobody knows: of all missed ticks this session loses the
  // share that it took of those that ran, rounded up.
  void count(const sampling::BankCounts& bank, const TickTotals& ticks) {
    counts.taken += bank.taken;
    counts.ring_full += bank.ring_full;
    if (ticks.runs > 0) missed += (ticks.missed * bank.taken + ticks.runs - 1) / ticks.runs;
  }
  // Once all is counted: what was taken and is not in a stack is lost, for a reason each.
  void settle_quality(uint64_t unreadable_now);
};

}  // namespace gp::session
