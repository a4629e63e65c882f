// The sessions as the kernel side sees them (bpf/abi/sessions.h), written by plain stores into a mapped array: who takes
// which ticks, and where one window ends and the next begins. Owner thread: reader.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "bpf/abi/sessions.h"

namespace gp::sampling {

// Samples of one session in one of its two banks, summed over CPUs; only ever grows.
struct BankCounts {
  uint64_t taken = 0;      // by the kernel, whether they came through or not
  uint64_t ring_full = 0;  // of those

  BankCounts operator-(const BankCounts& before) const {
    return {.taken = taken - before.taken, .ring_full = ring_full - before.ring_full};
  }
};

class SessionTable {
 public:
  SessionTable() = default;
  SessionTable(gp_session_table* table, std::span<gp_session_cpu> cpus) : table_(table), cpus_(cpus) {}

  // ns between two ticks of a CPU from now on; steps of all sessions follow.
  void set_tick(uint64_t tick_ns);
  // The session takes ticks from now on, one in `period_ns` on average (each one if the sampler ticks less often).
  // Samples before `boundary_ns` are of the window known by `bank`.
  void open(uint32_t slot, uint64_t period_ns, uint64_t boundary_ns, uint32_t bank);
  // Of an open session. Ticks in progress on other CPUs may still go by the old boundary; each sample says its bank.
  void set_boundary(uint32_t slot, uint64_t boundary_ns, uint32_t bank);
  // Takes no tick any more; samples of ticks in progress may still come.
  void close(uint32_t slot);

  [[nodiscard]] uint32_t active() const { return static_cast<uint32_t>(table_->active); }
  [[nodiscard]] BankCounts counts(uint32_t slot, uint32_t bank) const;

 private:
  void store_step(uint32_t slot);

  gp_session_table* table_ = nullptr;
  std::span<gp_session_cpu> cpus_;
  std::array<uint64_t, GP_SESSIONS_MAX> periods_ns_{};  // 0: closed
};

}  // namespace gp::sampling
