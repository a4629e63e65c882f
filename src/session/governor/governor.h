// Decides what to give up when memory runs short, in a declared order, and when to take it back. A pure state machine:
// what was measured goes in, what is to be done comes out; it reads no clock and touches nothing.
//
//   soft 80 %, or pressure    trim caches, give back segments of the row pool
//   hard 100 %                refuse growth of caches, drop inlines and lines, halve the sample logs
//   hard for 10 s             cancel collectors; then halve the rate every 10 s, down to 1 Hz
//   emergency 150 %           close the session early and start again empty; so, too, after 10 s at 1 Hz
//   below 70 % for 60 s       undo all of it
//
// Owner thread: one at a time (control). Units: bytes, ns.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "session/governor/memory_levels.h"

namespace gp::session {

enum class MemoryState : uint8_t { kNormal, kHigh, kCritical, kEmergency };
std::string_view memory_state_name(MemoryState state);

// In the order in which a decision lists them.
enum class Step : uint8_t {
  kTrim,
  kRefuseGrowth,
  kDropDetail,
  kHalveLogs,
  kCancelCollectors,
  kLowerRate,
  kCloseEarly,
  kUndo,
};
inline constexpr size_t kSteps = 8;
std::string_view step_name(Step step);

struct Observation {
  uint64_t now_ns = 0;  // CLOCK_MONOTONIC
  uint64_t memory_bytes = 0;
  bool pressure = false;       // the host or our control group has waited for memory since the last observation
  uint32_t asked_rate_hz = 1;  // the highest any session asks for
};

struct Decision {
  MemoryState state = MemoryState::kNormal;
  std::vector<Step> steps;
  uint32_t rate_hz = 0;  // with kLowerRate: the rate from now on
};

class Governor {
 public:
  explicit Governor(const MemoryLevels& levels) : levels_(levels) {}

  Decision decide(const Observation& seen);

  [[nodiscard]] const MemoryLevels& levels() const { return levels_; }
  [[nodiscard]] MemoryState state() const { return state_; }
  // How often each step was taken.
  [[nodiscard]] const std::array<uint64_t, kSteps>& counts() const { return counts_; }
  // In force now: growth refused, detail dropped.
  [[nodiscard]] bool restricted() const { return restricted_; }
  // Nothing: as the sessions ask.
  [[nodiscard]] std::optional<uint32_t> lowered_rate_hz() const { return lowered_rate_hz_; }

 private:
  void at_hard(const Observation& seen, uint64_t elapsed_ns, Decision& decision);
  bool lower_rate(uint32_t asked_hz, Decision& decision);  // false: it is at its lowest
  void undo(Decision& decision);
  void take(Step step, Decision& decision);
  [[nodiscard]] bool due(const std::optional<uint64_t>& last_ns, uint64_t interval_ns) const;

  MemoryLevels levels_;
  MemoryState state_ = MemoryState::kNormal;
  std::array<uint64_t, kSteps> counts_{};
  std::optional<uint64_t> last_seen_ns_;
  uint64_t time_ns_ = 0;  // watched so far: our own clock, which neither leaps nor goes back
  std::optional<uint64_t> last_trim_ns_;
  std::optional<uint64_t> last_halving_ns_;
  std::optional<uint64_t> last_restart_ns_;
  uint64_t over_hard_ns_ = 0;
  uint64_t below_undo_ns_ = 0;
  bool restricted_ = false;
  bool cancelled_ = false;
  std::optional<uint32_t> lowered_rate_hz_;
};

}  // namespace gp::session
