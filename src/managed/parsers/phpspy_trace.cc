#include "managed/parsers/phpspy_trace.h"

#include <algorithm>

#include "managed/parsers/collapsed.h"
#include "os/proc_text.h"

namespace gp::managed {

std::optional<profile::Function> parse_phpspy_frame(std::string_view line) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || !os::parse_decimal(line.substr(0, space))) return std::nullopt;
  line.remove_prefix(space + 1);
  profile::Function function;
  function.kind = profile::FrameKind::kPhp;
  const size_t gap = line.find(' ');
  function.name = line.substr(0, gap);
  if (function.name.empty()) return std::nullopt;
  if (gap == std::string_view::npos) return function;
  const std::string_view place = line.substr(gap + 1);
  const size_t colon = place.rfind(':');
  function.file = place.substr(0, colon);
  if (colon == std::string_view::npos) return function;
  const auto number = os::parse_decimal(place.substr(colon + 1));
  if (number && *number <= UINT32_MAX) function.line = static_cast<uint32_t>(*number);
  return function;
}

void PhpspyTrace::line(std::string_view text) {
  constexpr std::string_view kPid = "# pid = ";
  if (text.starts_with(kPid)) {
    const auto pid = os::parse_decimal(text.substr(kPid.size()));
    if (pid && *pid > 0 && *pid <= INT32_MAX && !frames_.empty()) {
      std::ranges::reverse(frames_);
      callback_(static_cast<int32_t>(*pid), frames_);
    }
    frames_.clear();
    return;
  }
  if (text.empty()) frames_.clear();  // a block whose process is not told
  if (text.empty() || text.starts_with('#')) return;
  auto frame = parse_phpspy_frame(text);
  if (!frame) {
    ++malformed_;
  } else if (frames_.size() < kMaxToolFrames) {
    frames_.push_back(std::move(*frame));
  }
}

}  // namespace gp::managed
