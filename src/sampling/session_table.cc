#include "sampling/session_table.h"

#include <algorithm>
#include <random>

namespace gp::sampling {
namespace {

// One word the kernel may read at any moment.
template <class Word>
void store(Word& word, uint64_t value) {
  __atomic_store_n(&word, value, __ATOMIC_RELEASE);
}

}  // namespace

void SessionTable::set_tick(uint64_t tick_ns) {
  store(table_->tick_ns, tick_ns);
  for (uint32_t slot = 0; slot < GP_SESSIONS_MAX; ++slot) store_step(slot);
}

void SessionTable::open(uint32_t slot, uint64_t period_ns, uint64_t boundary_ns, uint32_t bank) {
  // Each CPU begins somewhere else in its stride.
  std::minstd_rand random(std::random_device{}());
  std::uniform_int_distribution<int64_t> limit(1, GP_STEP_ONE);
  for (gp_session_cpu& cpu : cpus_) {
    cpu.phase[slot] = 0;
    cpu.limit[slot] = limit(random);
  }
  set_boundary(slot, boundary_ns, bank);
  periods_ns_[slot] = period_ns;
  store_step(slot);
  store(table_->active, table_->active | uint64_t{1} << slot);
}

void SessionTable::set_boundary(uint32_t slot, uint64_t boundary_ns, uint32_t bank) {
  store(table_->entries[slot].boundary, GP_BOUNDARY_NS(boundary_ns) | bank);
}

void SessionTable::close(uint32_t slot) {
  periods_ns_[slot] = 0;
  store(table_->active, table_->active & ~(uint64_t{1} << slot));
  store_step(slot);
}

BankCounts SessionTable::counts(uint32_t slot, uint32_t bank) const {
  BankCounts sum;
  for (const gp_session_cpu& cpu : cpus_) {
    sum.taken += __atomic_load_n(&cpu.taken[slot][bank], __ATOMIC_RELAXED);
    sum.ring_full += __atomic_load_n(&cpu.ring_full[slot][bank], __ATOMIC_RELAXED);
  }
  return sum;
}

void SessionTable::store_step(uint32_t slot) {
  const uint64_t period = periods_ns_[slot];
  uint64_t step = 0;
  if (period != 0) step = table_->tick_ns >= period ? GP_STEP_ONE : (table_->tick_ns << 32U) / period;
  store(table_->entries[slot].step, step);
}

}  // namespace gp::sampling
