// Cuts chunks of a text file into lines, in constant memory. Lines above the limit are dropped and counted, so that a
// file without newlines costs no memory. Owner thread: whoever made it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace gp {

class LineCutter {
 public:
  // Gets each line without its newline, valid during the call only; false ends the reading.
  using Callback = std::function<bool(std::string_view)>;

  LineCutter(size_t max_line_bytes, Callback callback)
      : max_line_bytes_(max_line_bytes), callback_(std::move(callback)) {}

  // False once the callback wants no more.
  bool feed(std::string_view chunk);
  // Hands out a last line that has no newline.
  bool finish();

  [[nodiscard]] uint64_t oversized() const { return oversized_; }     // lines dropped
  [[nodiscard]] size_t pending_bytes() const { return held_bytes_; }  // of the unfinished last line, kept or not

 private:
  bool emit(std::string_view line);
  void hold(std::string_view part);

  size_t max_line_bytes_;
  Callback callback_;
  std::string partial_;  // start of a line whose end is in a later chunk; at most max_line_bytes_
  size_t held_bytes_ = 0;
  uint64_t oversized_ = 0;
};

}  // namespace gp
