#include "managed/captured_text.h"

#include <algorithm>

namespace gp::managed {

void CapturedText::append(std::string_view chunk) {
  const size_t room = std::min(max_bytes_ - bytes_.size(), chunk.size());
  bytes_.append(chunk.substr(0, room));
  chunk.remove_prefix(room);
  dropped_bytes_ += chunk.size();
  if (keep_ == Keep::kOldest || max_bytes_ == 0) return;
  if (chunk.size() > max_bytes_) chunk.remove_prefix(chunk.size() - max_bytes_);
  for (const char byte : chunk) {
    bytes_[oldest_] = byte;
    oldest_ = oldest_ + 1 == max_bytes_ ? 0 : oldest_ + 1;
  }
}

std::string CapturedText::text() const { return bytes_.substr(oldest_) + bytes_.substr(0, oldest_); }

std::string last_lines(std::string_view text, size_t lines) {
  constexpr size_t kMaxCharacters = 400;
  std::string joined;
  while (lines > 0 && !text.empty()) {
    const size_t newline = text.find_last_of("\n\r");
    const std::string_view line = newline == std::string_view::npos ? text : text.substr(newline + 1);
    text = newline == std::string_view::npos ? std::string_view() : text.substr(0, newline);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    joined.insert(0, joined.empty() ? std::string(line) : std::string(line) + " | ");
    --lines;
  }
  if (joined.size() > kMaxCharacters) joined = "..." + joined.substr(joined.size() - kMaxCharacters);
  for (char& c : joined) {
    if (c < ' ' || c > '~') c = '?';
  }
  return joined;
}

}  // namespace gp::managed
