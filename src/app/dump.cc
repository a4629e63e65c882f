#include "app/dump.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

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

// For programs.
std::string_view source_word(Thread::Source source) {
  switch (source) {
    case Thread::Source::kSampled: return "sampled";
    case Thread::Source::kMoved: return "moved";
    case Thread::Source::kNone: return "none";
    case Thread::Source::kWaiting: break;
  }
  return "waiting";
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

nlohmann::json frame_json(const profile::Function& function) {
  nlohmann::json frame = {{"text", profile::frame_text(function)},
                          {"name", function.name},
                          {"kind", profile::frame_kind_name(function.kind)},
                          {"named", function.named}};
  if (!function.module.empty()) frame["module"] = function.module;
  if (!function.file.empty()) frame["file"] = function.file;
  if (function.line != 0) frame["line"] = function.line;
  if (function.inlined) frame["inlined"] = true;
  return frame;
}

nlohmann::json thread_json(const Thread& thread) {
  nlohmann::json frames = nlohmann::json::array();
  for (const profile::Function& function : thread.frames) frames.push_back(frame_json(function));
  return {{"tid", thread.tid},
          {"name", thread.name},
          {"state", std::string(1, thread.state)},
          {"state_text", state_word(thread.state)},
          {"caught", source_word(thread.source)},
          {"frames", std::move(frames)}};
}

}  // namespace

std::string dump_json(const session::ThreadDump& dump) {
  const session::ProcessDescription& process = dump.process;
  nlohmann::json threads = nlohmann::json::array();
  for (const Thread& thread : dump.threads) threads.push_back(thread_json(thread));
  const nlohmann::json all = {{"pid", process.pid},
                              {"comm", process.comm},
                              {"executable", process.executable},
                              {"container_id", process.container_id},
                              {"runtimes", process.runtimes},
                              {"hindrances", process.hindrances},
                              {"threads", std::move(threads)}};
  return all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

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
  if (stat && stat->state == 'Z' && stat->threads <= 1) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("dump {}: it has ended, and its parent has not asked for its exit code", request.pid));
  }
  GP_TRY(check_host(request.force));
  GP_ASSIGN(const session::ThreadDump threads,
            dump({.pid = request.pid, .inlines = request.inlines, .python_versions = request.python_versions}));
  std::fputs((request.json ? dump_json(threads) : dump_text(threads)).c_str(), stdout);
  return 0;
}

}  // namespace gp::app
