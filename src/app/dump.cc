#include "app/dump.h"

#include <fmt/format.h>

#include <cstdio>

#include "app/run.h"
#include "os/procfs.h"
#include "output/text.h"

namespace gp::app {
namespace {

using Thread = session::ThreadDump::Thread;

// proc_pid_stat(5).
std::string_view state_word(char state) {
  switch (state) {
    case 'R': return "running";
    case 'S': return "sleeping";
    case 'D': return "waiting for a device or lock of the kernel";
    case 'T': return "stopped";
    case 't': return "stopped by a debugger";
    case 'Z': return "ended, not waited for";
    case 'X': return "ending";
    case 'I': return "idle";
    default: return "in an unknown state";
  }
}

std::string_view source_text(Thread::Source source) {
  switch (source) {
    case Thread::Source::kSampled: return ", sampled on its CPU";
    case Thread::Source::kMoved: return ", ran while its stack was read: frames may be of different moments";
    case Thread::Source::kNone: return ", not caught";
    case Thread::Source::kWaiting: break;
  }
  return "";
}

std::string thread_text(const Thread& thread) {
  std::string text = fmt::format("\nThread {} {}: {} {}{}\n", thread.tid, output::escape_terminal(thread.name),
                                 thread.state, state_word(thread.state), source_text(thread.source));
  size_t number = 0;
  for (const profile::Function& function : thread.frames) {
    const std::string frame = output::escape_terminal(profile::frame_text(function));
    const std::string where = function.kind == profile::FrameKind::kNative && !function.module.empty() && function.named
                                  ? fmt::format("  [{}]", output::escape_terminal(function.module))
                                  : std::string();
    text += fmt::format("  {:>4}  {}{}\n", number++, frame, where);
  }
  return text;
}

}  // namespace

std::string dump_text(const session::ThreadDump& dump) {
  const session::ProcessDescription& process = dump.process;
  std::string text = fmt::format("Process {} {}", process.pid, output::escape_terminal(process.comm));
  if (!process.executable.empty()) text += fmt::format(", {}", output::escape_terminal(process.executable));
  if (!process.container_id.empty())
    text += fmt::format(", container {}", output::short_container_id(process.container_id));
  text += fmt::format(": {} thread{}\n", dump.threads.size(), dump.threads.size() == 1 ? "" : "s");
  for (const std::string& runtime : process.runtimes) text += fmt::format("  {}\n", output::escape_terminal(runtime));
  for (const std::string& hindrance : process.hindrances)
    text += fmt::format("  {}\n", output::escape_terminal(hindrance));
  for (const Thread& thread : dump.threads) text += thread_text(thread);
  return text;
}

Result<int> run_dump(const DumpRequest& request, const DumpThreads& dump) {
  const auto status = os::read_status(request.pid);
  if (!status) return fail(ErrorCode::kNotFound, fmt::format("dump {}: no such process; look with ps -e", request.pid));
  if (status->tgid != request.pid) {
    return fail(ErrorCode::kNotFound,
                fmt::format("dump {}: a thread of process {}; give that", request.pid, status->tgid));
  }
  const auto stat = os::read_stat(request.pid);
  if (stat && stat->state == 'Z') {
    return fail(
        ErrorCode::kUnsupported,
        stat->threads > 1
            ? fmt::format("dump {}: its main thread has ended; its others cannot be seen then", request.pid)
            : fmt::format("dump {}: it has ended, and its parent has not asked for its exit code", request.pid));
  }
  GP_TRY(check_host(request.force));
  GP_ASSIGN(const session::ThreadDump threads,
            dump({.pid = request.pid, .inlines = request.inlines, .python_versions = request.python_versions}));
  std::fputs(dump_text(threads).c_str(), stdout);
  return 0;
}

}  // namespace gp::app
