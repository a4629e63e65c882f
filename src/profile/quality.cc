#include "profile/quality.h"

#include <fmt/format.h>

#include <numeric>

namespace gp::profile {

std::string_view loss_reason_name(LossReason reason) {
  switch (reason) {
    case LossReason::kRingFull: return "ring full";
    case LossReason::kUnreadable: return "unreadable";
    case LossReason::kOverBudget: return "over budget";
    case LossReason::kMissed: return "missed";
    case LossReason::kCount: break;
  }
  return "?";
}

std::string_view walk_end_marker(WalkEnd end) {
  switch (end) {
    case WalkEnd::kRoot: return "";
    case WalkEnd::kTruncated: return "[truncated]";
    case WalkEnd::kNoUnwindInfo: return "[no unwind info]";
    case WalkEnd::kUnreadable: return "[unreadable]";
    case WalkEnd::kNoMapping: return "[no mapping]";
    case WalkEnd::kInExec: return "[in exec]";
    case WalkEnd::kProcessGone: return "[process gone]";
    case WalkEnd::kNotLoaded: return "[not loaded yet]";
    case WalkEnd::kRuntimeNotLoaded: return "[python: not loaded yet]";
    case WalkEnd::kRuntimeUnsupported: return "[python: not supported]";
    case WalkEnd::kCompat32: return "[32-bit: not supported]";
    case WalkEnd::kCount: break;
  }
  return "[?]";
}

uint64_t Quality::lost_total() const { return std::accumulate(lost.begin(), lost.end(), uint64_t{0}); }

std::string Quality::summary() const {
  if (taken == 0) return "no samples";
  const auto share = [this](uint64_t count) { return 100.0 * static_cast<double>(count) / static_cast<double>(taken); };
  std::string text = fmt::format("{} samples: {:.2f} % whole, {:.2f} % guessed, {:.2f} % truncated, {:.2f} % unwalked",
                                 taken, share(whole), share(guessed), share(truncated), share(unwalked));
  std::string reasons;
  for (size_t i = 1; i < ends.size(); ++i) {
    if (ends[i] == 0) continue;
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", walk_end_marker(static_cast<WalkEnd>(i)), ends[i]);
  }
  if (!reasons.empty()) text += fmt::format(" ({})", reasons);
  text += fmt::format("; {} deferred", deferred);
  if (frames > 0) {
    text += fmt::format("; {:.2f} % of frames named",
                        100.0 - 100.0 * static_cast<double>(unnamed_frames) / static_cast<double>(frames));
  }
  text += fmt::format("; lost {}", lost_total());
  std::string losses;
  for (size_t i = 0; i < lost.size(); ++i) {
    if (lost[i] == 0) continue;
    losses += fmt::format("{}{} {}", losses.empty() ? "" : ", ", loss_reason_name(static_cast<LossReason>(i)), lost[i]);
  }
  if (!losses.empty()) text += fmt::format(" ({})", losses);
  if (hung_files > 0) text += fmt::format("; {} files not looked at: their filesystem does not answer", hung_files);
  if (loading_stopped) text += "; no further file could be, until it does";
  return text;
}

}  // namespace gp::profile
