// A profile in one screen of text, for the end of a run. Owner thread: none (values).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "profile/profile.h"

namespace gp::output {

struct TerminalStyle {
  size_t columns = 100;   // nothing is longer, but for the data-quality line, which is wrapped at words
  bool colour = false;    // ANSI escapes
  size_t functions = 20;  // rows of the table of functions
  size_t processes = 10;  // and of programs
};

// What suits the file open as `fd`: the width of its terminal, and colour if it is one and NO_COLOR
// (https://no-color.org) is not set.
TerminalStyle terminal_style(int fd);

// At most `width` cells of a name made safe for terminals, its end cut to "…".
std::string fit(std::string_view foreign, size_t width);

// 1234567 as "1,234,567".
std::string grouped(uint64_t number);

// Appends: the window, the hottest functions, shares by kind of frame and by runtime, the busiest programs, and the
// data quality. Names are made safe for terminals.
void write_summary(const profile::Profile& profile, const TerminalStyle& style, std::string& out);

}  // namespace gp::output
