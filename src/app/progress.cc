#include "app/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "output/terminal.h"

namespace gp::app {
std::string progress_line(std::chrono::seconds left, uint64_t samples, size_t columns) {
  std::string line =
      fmt::format("{} s left, {} samples. Ctrl-C: stop now and write them", left.count(), output::grouped(samples));
  if (line.size() > columns) line.resize(columns);
  return line;
}

Progress::Progress(bool wanted) : shown_(wanted && ::isatty(STDERR_FILENO) == 1) {}

void Progress::update(std::chrono::seconds left, uint64_t samples) {
  if (!shown_) return;
  // The last column stays empty: a terminal may wrap when it is filled.
  const size_t columns = output::terminal_style(STDERR_FILENO).columns;
  const std::string line = progress_line(left, samples, columns - 1);
  std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
  std::fflush(stderr);
  dirty_ = true;
}

void Progress::clear() {
  if (!dirty_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  dirty_ = false;
}

}  // namespace gp::app
