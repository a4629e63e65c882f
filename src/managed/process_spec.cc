#include "managed/process_spec.h"

#include <fmt/format.h>

#include <cstring>

namespace gp::managed {
namespace {

std::string ending_of(const ProcessResult& result) {
  switch (result.ending) {
    case Ending::kExited: return fmt::format("exit code {}", result.exit_code);
    case Ending::kSignalled: return fmt::format("killed by signal {} ({})", result.signal, ::strsignal(result.signal));
    case Ending::kOutOfMemory: return "killed by the kernel, which was out of memory";
    case Ending::kTimedOut: return "timed out and was killed";
    case Ending::kCancelled: return "was cancelled";
    case Ending::kStuck: break;
  }
  return "cannot be killed: it waits in the kernel";
}

}  // namespace

std::string ProcessResult::describe() const {
  constexpr size_t kLines = 3;
  const std::string last = last_lines(errors, kLines);
  return fmt::format("{}: {}{}{}", name, ending_of(*this), last.empty() ? "" : ": ", last);
}

}  // namespace gp::managed
