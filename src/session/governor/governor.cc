#include "session/governor/governor.h"

#include <algorithm>

namespace gp::session {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kHardPatience = 10 * kSecond;
constexpr uint64_t kUndoPatience = 60 * kSecond;
constexpr uint64_t kTrimInterval = 30 * kSecond;     // what was freed shows by then; more often would only thrash
constexpr uint64_t kRestartInterval = 60 * kSecond;  // a session at least as long as this between two restarts
// After a stop (SIGSTOP, a suspended machine, a clock that leaps) the time that nobody looked counts no more than this:
// one high reading on either side is not a minute of high readings.
constexpr uint64_t kLongestGap = 5 * kSecond;

}  // namespace

std::string_view memory_state_name(MemoryState state) {
  static constexpr std::array<std::string_view, 4> kNames{"normal", "high", "critical", "emergency"};
  return kNames[static_cast<size_t>(state)];
}

std::string_view step_name(Step step) {
  static constexpr std::array<std::string_view, kSteps> kNames{
      "trim caches",       "refuse cache growth", "drop inlines and lines", "halve sample logs",
      "cancel collectors", "lower rate",          "close session early",    "undo"};
  return kNames[static_cast<size_t>(step)];
}

void Governor::take(Step step, Decision& decision) {
  decision.steps.push_back(step);
  ++counts_[static_cast<size_t>(step)];
}

bool Governor::due(const std::optional<uint64_t>& last_ns, uint64_t interval_ns) const {
  return !last_ns || time_ns_ - *last_ns >= interval_ns;
}

Decision Governor::decide(const Observation& seen) {
  Decision decision;
  const uint64_t last = last_seen_ns_.value_or(seen.now_ns);
  const uint64_t elapsed = seen.now_ns > last ? std::min(seen.now_ns - last, kLongestGap) : 0;
  last_seen_ns_ = seen.now_ns;
  time_ns_ += elapsed;

  const uint64_t bytes = seen.memory_bytes;
  state_ = bytes >= levels_.emergency ? MemoryState::kEmergency
           : bytes >= levels_.hard    ? MemoryState::kCritical
           : bytes >= levels_.soft    ? MemoryState::kHigh
                                      : MemoryState::kNormal;
  decision.state = state_;

  if ((state_ != MemoryState::kNormal || seen.pressure) && due(last_trim_ns_, kTrimInterval)) {
    last_trim_ns_ = time_ns_;
    take(Step::kTrim, decision);
  }
  if (state_ >= MemoryState::kCritical) {
    at_hard(seen, elapsed, decision);
  } else {
    over_hard_ns_ = 0;
  }
  below_undo_ns_ = bytes < levels_.undo && !seen.pressure ? below_undo_ns_ + elapsed : 0;
  if (below_undo_ns_ >= kUndoPatience) undo(decision);
  return decision;
}

void Governor::at_hard(const Observation& seen, uint64_t elapsed_ns, Decision& decision) {
  if (!restricted_) {
    restricted_ = true;
    take(Step::kRefuseGrowth, decision);
    take(Step::kDropDetail, decision);
  }
  if (due(last_halving_ns_, kTrimInterval)) {
    last_halving_ns_ = time_ns_;
    take(Step::kHalveLogs, decision);
  }
  bool lowest = false;
  over_hard_ns_ += elapsed_ns;
  if (over_hard_ns_ >= kHardPatience) {
    over_hard_ns_ = 0;
    if (!cancelled_) {
      cancelled_ = true;
      take(Step::kCancelCollectors, decision);
    } else {
      lowest = !lower_rate(seen.asked_rate_hz, decision);
    }
  }
  // At the lowest rate and still over the limit it is what the open windows hold: a long one would keep us there.
  if ((state_ == MemoryState::kEmergency || lowest) && due(last_restart_ns_, kRestartInterval)) {
    last_restart_ns_ = time_ns_;
    take(Step::kCloseEarly, decision);
  }
}

bool Governor::lower_rate(uint32_t asked_hz, Decision& decision) {
  const uint32_t now_hz = std::min(lowered_rate_hz_.value_or(asked_hz), asked_hz);
  if (now_hz <= 1) return false;
  lowered_rate_hz_ = now_hz / 2;
  decision.rate_hz = now_hz / 2;
  take(Step::kLowerRate, decision);
  return true;
}

void Governor::undo(Decision& decision) {
  below_undo_ns_ = 0;
  if (!restricted_ && !cancelled_ && !lowered_rate_hz_) return;
  restricted_ = false;
  cancelled_ = false;
  lowered_rate_hz_.reset();
  take(Step::kUndo, decision);
}

}  // namespace gp::session
