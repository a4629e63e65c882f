#include "session/window.h"

#include <algorithm>

namespace gp::session {

void Window::settle_quality(uint64_t unreadable_now) {
  profile::Quality& quality = recording.quality();
  const auto lose = [&quality](profile::LossReason reason, uint64_t count) {
    quality.lost[static_cast<size_t>(reason)] += count;
  };
  lose(profile::LossReason::kRingFull, counts.ring_full);
  // Taken by the kernel, not full, yet not reported: records we could not read, stacks still waiting at the limit.
  const uint64_t accounted = quality.reported() + quality.lost_total();
  const uint64_t taken = counts.taken - std::min(unwanted, counts.taken);
  const uint64_t missing = taken > accounted ? taken - accounted : 0;
  const uint64_t unreadable = std::min(missing, unreadable_now - unreadable_before);
  lose(profile::LossReason::kUnreadable, unreadable);
  lose(profile::LossReason::kOverBudget, missing - unreadable);
  lose(profile::LossReason::kMissed, missed);
  quality.taken = taken + missed;
}

}  // namespace gp::session
