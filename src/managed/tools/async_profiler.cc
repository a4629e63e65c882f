// https://github.com/async-profiler/async-profiler through its launcher `asprof`, 3.0 and later; it finds the process'
// namespaces, places its library and prints the result by itself.
#include <fmt/format.h>

#include "managed/mapped_names.h"
#include "managed/parsers/collapsed.h"
#include "managed/tool.h"

namespace gp::managed {
namespace {

bool looks_at(std::string_view file) { return basename_of(file).starts_with("libjvm.so"); }

// `cpu` needs perf_event_open, else the profiler itself falls back to timers; allocations and locks have intervals of
// their own, in bytes and nanoseconds.
Tool::Words arguments(const ToolRun& run) {
  constexpr uint32_t kNsPerSecond = 1'000'000'000;
  Tool::Words words{run.program, "-e", run.mode};
  if (run.mode == "cpu" || run.mode == "itimer" || run.mode == "wall") {
    words.insert(words.end(), {"-i", fmt::format("{}", kNsPerSecond / run.frequency_hz)});
  } else if (run.mode == "alloc") {
    words.insert(words.end(), {"--alloc", "2m"});  // the old agent's interval
  }
  words.insert(words.end(), {"-d", fmt::format("{}", run.duration.count()), "-o", "collapsed", "--ann", "--sig",
                             "--total", fmt::format("{}", run.pid)});
  return words;
}

Tool::Words clean_up(const ToolRun& run) { return {run.program, "stop", "-o", "none", fmt::format("{}", run.pid)}; }

bool take_line(std::string_view line, profile::ToolStacks& stacks) {
  return line.empty() || add_collapsed_line(line, java_frame, stacks);
}

}  // namespace

const Tool kAsyncProfiler{.name = "async-profiler",
                          .program = "asprof",
                          .language = "Java",
                          .looks_at = looks_at,
                          .arguments = arguments,
                          .take_line = take_line,
                          .clean_up = clean_up};

}  // namespace gp::managed
