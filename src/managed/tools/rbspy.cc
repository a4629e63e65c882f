// https://rbspy.github.io; options as of 0.2x. Not built with the --oncpu and frame suffix of the old agent's fork.
#include <fmt/format.h>

#include "managed/mapped_names.h"
#include "managed/parsers/collapsed.h"
#include "managed/tool.h"

namespace gp::managed {
namespace {

bool looks_at(std::string_view file) {
  const std::string_view name = basename_of(file);
  return is_program(name, "ruby") || name.starts_with("libruby");
}

Tool::Words arguments(const ToolRun& run) {
  return {run.program,
          "record",
          "--silent",
          "--rate",
          fmt::format("{}", run.frequency_hz),
          "--duration",
          fmt::format("{}", run.duration.count()),
          "--nonblocking",
          "--format",
          "collapsed",
          "--file",
          "/dev/stdout",
          "--raw-file",
          "/dev/null",
          "--pid",
          fmt::format("{}", run.pid)};
}

bool take_line(std::string_view line, profile::ToolStacks& stacks) {
  return line.empty() || add_collapsed_line(line, ruby_frame, stacks);
}

}  // namespace

const Tool kRbspy{.name = "rbspy",
                  .program = "rbspy",
                  .language = "Ruby",
                  .max_hz = 100,  // the old agent's cap
                  .looks_at = looks_at,
                  .arguments = arguments,
                  .take_line = take_line};

}  // namespace gp::managed
