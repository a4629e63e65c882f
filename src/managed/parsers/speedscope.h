// Files of https://www.speedscope.app (file-format-schema.json), as dotnet-trace writes them: "evented" profiles, one a
// thread, whose events open and close frames. Read in one pass, in memory bounded by distinct stacks. Foreign text.
// Owner thread: none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "profile/tool_stacks.h"

namespace gp::managed {

// Adds all profiles of the file to `stacks`, weighted by time: one unit is `unit_ms` milliseconds, of which every stack
// has at least one. Time passes to the stack that was there until an event, not to the one after it. A file that breaks
// the format is an error (kMalformed) and leaves `stacks` as it was.
Result<void> read_speedscope(const std::string& path, double unit_ms, profile::ToolStacks& stacks);

// The same of a text.
Result<void> parse_speedscope(std::string_view text, double unit_ms, profile::ToolStacks& stacks);

}  // namespace gp::managed
