// https://learn.microsoft.com/dotnet/core/diagnostics/dotnet-trace; options as of 8.0. It samples wall time of managed
// threads, 1,000 times a second whatever is asked, and suspends the runtime for each.
#include <fmt/format.h>

#include "managed/mapped_names.h"
#include "managed/parsers/speedscope.h"
#include "managed/tool.h"

namespace gp::managed {
namespace {

bool looks_at(std::string_view file) { return basename_of(file).starts_with("libcoreclr.so"); }

Tool::Words arguments(const ToolRun& run) {
  const std::chrono::hh_mm_ss time(run.duration);
  return {run.program,
          "collect",
          "--format",
          "speedscope",
          "--process-id",
          fmt::format("{}", run.namespace_pid),
          "--profile",
          "cpu-sampling",
          "--duration",
          fmt::format("00:{:02}:{:02}:{:02}", time.hours().count(), time.minutes().count(), time.seconds().count()),
          "--output",
          run.result_file};
}

// Where the runtime's diagnostics socket is: in the process' own /tmp.
Tool::Words environment(const ToolRun& run) { return {fmt::format("TMPDIR=/proc/{}/root/tmp", run.pid)}; }

Result<void> take_file(const std::string& path, const ToolRun& run, profile::ToolStacks& stacks) {
  constexpr double kMsPerSecond = 1000;
  const std::string written = path.substr(0, path.rfind('.')) + ".speedscope.json";
  return read_speedscope(written, kMsPerSecond / run.frequency_hz, stacks);
}

}  // namespace

const Tool kDotnetTrace{.name = "dotnet-trace",
                        .program = "dotnet-trace",
                        .language = ".NET",
                        .time_limit = std::chrono::seconds(60),  // it resolves and converts when the time is up
                        .writes_file = true,
                        .looks_at = looks_at,
                        .arguments = arguments,
                        .environment = environment,
                        .take_file = take_file};

}  // namespace gp::managed
