// One external profiler that looks at one process at a time, described. Each is a constant in src/managed/tools; what
// they have in common (finding processes, starting, limits, failures) is ToolCollector's.
// Owner thread: none (values and pure functions).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "profile/tool_stacks.h"

namespace gp::managed {

// One run on one process.
struct ToolRun {
  std::string program;  // where it was found
  int32_t pid = 0;
  int32_t namespace_pid = 0;  // its pid in its own namespace
  uint32_t frequency_hz = 0;  // within the tool's cap
  std::chrono::seconds duration{0};
  std::string mode;         // what the user chose of several; the tool's own word
  std::string result_file;  // where to write, if the tool writes a file
};

struct Tool {
  using Words = std::vector<std::string>;

  std::string_view name;                // for people: "py-spy"
  std::string_view program;             // as searched in PATH
  std::string_view language;            // of the processes: "Python"
  uint32_t max_hz = 0;                  // above which it cannot keep up; 0: no cap
  std::chrono::seconds time_limit{10};  // after the window's end
  bool writes_file = false;             // result_file instead of lines on standard output

  // Whether a process that maps such a file is one for this tool.
  bool (*looks_at)(std::string_view mapped_file) = nullptr;
  Words (*arguments)(const ToolRun& run) = nullptr;
  Words (*environment)(const ToolRun& run) = nullptr;  // beside PATH, HOME and the like; may be null
  // One line of output into stacks. False: it is none, and is counted.
  bool (*take_line)(std::string_view line, profile::ToolStacks& stacks) = nullptr;
  Result<void> (*take_file)(const std::string& path, const ToolRun& run, profile::ToolStacks& stacks) = nullptr;
  // Run when the tool did not end well and may have left something in the process; may be null.
  Words (*clean_up)(const ToolRun& run) = nullptr;
};

extern const Tool kPySpy;
extern const Tool kRbspy;
extern const Tool kAsyncProfiler;
extern const Tool kDotnetTrace;

}  // namespace gp::managed
