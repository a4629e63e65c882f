// https://github.com/benfred/py-spy; options as of 0.4.
#include <fmt/format.h>

#include "managed/mapped_names.h"
#include "managed/parsers/collapsed.h"
#include "managed/tool.h"

namespace gp::managed {
namespace {

bool looks_at(std::string_view file) {
  const std::string_view name = basename_of(file);
  return is_program(name, "python") || name.starts_with("libpython");
}

// Without stopping the process, and only what holds the GIL: threads that run, as our own samples are of threads that
// run.
Tool::Words arguments(const ToolRun& run) {
  return {run.program,
          "record",
          "--rate",
          fmt::format("{}", run.frequency_hz),
          "--duration",
          fmt::format("{}", run.duration.count()),
          "--nonblocking",
          "--format",
          "raw",
          "--full-filenames",
          "--gil",
          "--output",
          "/dev/stdout",
          "--pid",
          fmt::format("{}", run.pid)};
}

bool take_line(std::string_view line, profile::ToolStacks& stacks) {
  // It talks on the same stream: "py-spy> Sampling process 50 times a second …".
  if (line.empty() || line.starts_with("py-spy>")) return true;
  return add_collapsed_line(line, python_frame, stacks);
}

}  // namespace

const Tool kPySpy{.name = "py-spy",
                  .program = "py-spy",
                  .language = "Python",
                  .max_hz = 50,  // reads a process' memory call by call; the old agent's cap
                  .looks_at = looks_at,
                  .arguments = arguments,
                  .take_line = take_line};

}  // namespace gp::managed
