// Output of a child kept in bounded memory: its newest or its oldest bytes, the others counted.
// Owner thread: whoever drains the child.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gp::managed {

enum class Keep : uint8_t { kNewest, kOldest };

class CapturedText {
 public:
  CapturedText(Keep keep, size_t max_bytes) : keep_(keep), max_bytes_(max_bytes) {}

  void append(std::string_view chunk);
  [[nodiscard]] std::string text() const;  // in the order of writing
  [[nodiscard]] uint64_t dropped_bytes() const { return dropped_bytes_; }

 private:
  Keep keep_;
  size_t max_bytes_;
  std::string bytes_;  // grows to max_bytes_; a ring from then on
  size_t oldest_ = 0;  // where the ring starts
  uint64_t dropped_bytes_ = 0;
};

// The last `lines` lines that are not blank, joined by " | ", fit for one line of a log: control characters and bytes
// above ASCII become '?', at most 400 characters.
std::string last_lines(std::string_view text, size_t lines);

}  // namespace gp::managed
