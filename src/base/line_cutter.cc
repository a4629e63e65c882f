#include "base/line_cutter.h"

namespace gp {

bool LineCutter::feed(std::string_view chunk) {
  while (!chunk.empty()) {
    const size_t newline = chunk.find('\n');
    if (newline == std::string_view::npos) {
      hold(chunk);
      return true;
    }
    const std::string_view part = chunk.substr(0, newline);
    chunk.remove_prefix(newline + 1);
    if (held_bytes_ == 0) {
      if (!emit(part)) return false;
      continue;
    }
    hold(part);
    if (!finish()) return false;
  }
  return true;
}

bool LineCutter::finish() {
  if (held_bytes_ == 0) return true;
  const bool whole = held_bytes_ == partial_.size();
  held_bytes_ = 0;
  if (!whole) ++oversized_;
  const bool more = !whole || emit(partial_);
  partial_.clear();
  return more;
}

bool LineCutter::emit(std::string_view line) {
  if (line.size() <= max_line_bytes_) return callback_(line);
  ++oversized_;
  return true;
}

void LineCutter::hold(std::string_view part) {
  held_bytes_ += part.size();
  partial_ += part.substr(0, max_line_bytes_ - partial_.size());
}

}  // namespace gp
