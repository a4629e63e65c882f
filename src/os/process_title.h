// What ps, top and pgrep -f show of us. Owner thread: the first, before any other runs and before environment strings
// are kept by anyone.
#pragma once

#include <string_view>

namespace gp::os {

// Writes `title` over the arguments and the environment behind them (the kernel shows up to a zero byte in there when the
// arguments' last one is overwritten: fs/proc/base.c get_mm_cmdline()); the environment is moved elsewhere first. Cut to
// the room there is. `argv` as main() got it; its strings are gone afterwards.
void set_process_title(int argc, char** argv, std::string_view title);

}  // namespace gp::os
