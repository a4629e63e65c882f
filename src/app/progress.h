// One line on a terminal while a profile is taken; nothing elsewhere. Owner thread: control.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace gp::app {

// "42 s left, 1,234 samples. Ctrl-C: stop now and write them", cut to fit `columns`.
std::string progress_line(std::chrono::seconds left, uint64_t samples, size_t columns);

class Progress {
 public:
  explicit Progress(bool wanted);  // shown only if standard error is a terminal as well
  Progress(const Progress&) = delete;
  Progress(Progress&&) = delete;
  Progress& operator=(const Progress&) = delete;
  Progress& operator=(Progress&&) = delete;
  ~Progress() { clear(); }

  [[nodiscard]] bool shown() const { return shown_; }
  void update(std::chrono::seconds left, uint64_t samples);
  void clear();

 private:
  bool shown_;
  bool dirty_ = false;  // there is a line to wipe
};

}  // namespace gp::app
