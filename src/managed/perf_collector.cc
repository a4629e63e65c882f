#include "managed/perf_collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "managed/process_finder.h"
#include "managed/program.h"
#include "managed/scratch_directory.h"

namespace gp::managed {

using std::chrono::steady_clock;

struct PerfCollector::Recording {
  bool dwarf = false;
  std::string file;
  PerfScript script;
};

namespace {

constexpr std::chrono::seconds kAfterWindow{10};  // for perf record to write what it has
constexpr uint32_t kMaxDwarfHz =
    100;  // each sample copies a stack: perf cannot keep up with more (the old agent's rule)

double depth_of(const PerfScript::Seen& seen) {
  return static_cast<double>(seen.user_frames) / static_cast<double>(std::max<uint64_t>(seen.samples, 1));
}

// What perf saw, under the identity the process has; the mode's stacks of a process that has gone keep pid and comm.
profile::ToolStacks identified(const profile::ToolStacks& seen) {
  profile::ToolStacks stacks(identity_of(seen.process().key.pid, seen.process().comm));
  stacks.add_all(seen);
  return stacks;
}

std::vector<profile::ToolStacks> all_of(const std::map<int32_t, PerfScript::Seen>& processes) {
  std::vector<profile::ToolStacks> result;
  result.reserve(processes.size());
  for (const auto& [pid, seen] : processes) result.push_back(seen.stacks);
  return result;
}

}  // namespace

std::vector<profile::ToolStacks> choose_deeper(std::map<int32_t, PerfScript::Seen> frame_pointers,
                                               std::map<int32_t, PerfScript::Seen> dwarf) {
  std::vector<profile::ToolStacks> result;
  for (auto& [pid, seen] : frame_pointers) {
    const auto other = dwarf.find(pid);
    if (other == dwarf.end() || depth_of(seen) > depth_of(other->second)) {
      result.push_back(std::move(seen.stacks));
    } else {
      other->second.stacks.scale_to(seen.stacks.total());
      result.push_back(std::move(other->second.stacks));
    }
  }
  return result;
}

Result<ManagedProcess> PerfCollector::record(const Recording& recording, const Window& window) {
  const std::chrono::duration<double> left = window.end - steady_clock::now();
  const uint32_t hz = recording.dwarf ? std::min(window.frequency_hz, kMaxDwarfHz) : window.frequency_hz;
  ProcessSpec spec;
  spec.name = recording.dwarf ? "perf record (dwarf)" : "perf record (fp)";
  spec.arguments = {program_, "record", "-q", "-F", fmt::format("{}", hz), "-a", "-o", recording.file};
  if (recording.dwarf) {
    spec.arguments.insert(spec.arguments.end(), {"--call-graph", "dwarf,8192", "-m", "257"});
  } else {
    spec.arguments.insert(spec.arguments.end(), {"-g", "-m", "129"});
  }
  spec.arguments.insert(spec.arguments.end(), {"--", "sleep", fmt::format("{:.3f}", std::max(left.count(), 0.1))});
  spec.environment = tool_environment();
  spec.deadline = std::min(window.deadline, window.end + kAfterWindow);
  return launcher_.start(std::move(spec));
}

Result<void> PerfCollector::read(Recording& recording, const Window& window, const std::stop_token& cancel) {
  ProcessSpec spec;
  spec.name = recording.dwarf ? "perf script (dwarf)" : "perf script (fp)";
  // Inlined calls are looked up by starting addr2line for each address, which takes minutes.
  spec.arguments = {program_, "script", "--no-inline", "-F", "comm,pid,tid,ip,sym,dso", "-i", recording.file};
  spec.environment = tool_environment();
  spec.deadline = window.deadline;
  spec.output = ToParser{[&recording](std::string_view line) {
    recording.script.line(line);
    return true;
  }};
  GP_ASSIGN(ManagedProcess process, launcher_.start(std::move(spec)));
  const ProcessResult result = process.run(cancel);
  recording.script.finish();
  if (!result.ok()) return fail(ErrorCode::kSystem, result.describe());
  return {};
}

Collection PerfCollector::collect(const Window& window, const std::stop_token& cancel) {
  Collection collection;
  const auto failed = [&](std::string reason) { collection.failures.push_back({std::nullopt, std::move(reason)}); };
  const auto scratch = ScratchDirectory::make();
  if (!scratch) {
    failed(fmt::format("perf: {}", scratch.error().message()));
    return collection;
  }
  std::vector<Recording> recordings;
  if (mode_ != PerfMode::kDwarf)
    recordings.push_back({.dwarf = false, .file = scratch->path() + "/fp.data", .script = {}});
  if (mode_ != PerfMode::kFramePointers) {
    recordings.push_back({.dwarf = true, .file = scratch->path() + "/dwarf.data", .script = {}});
  }
  std::vector<ManagedProcess> recorders;
  std::vector<ManagedProcess*> running;
  recorders.reserve(recordings.size());
  for (const Recording& recording : recordings) {
    auto started = record(recording, window);
    if (!started) {
      failed(started.error().message());
      continue;
    }
    recorders.push_back(std::move(*started));
    running.push_back(&recorders.back());
  }
  run_to_end(running, cancel);
  for (const ManagedProcess* recorder : running) {
    if (!recorder->result().ok()) failed(recorder->result().describe());
  }
  if (!collection.failures.empty()) return collection;
  for (Recording& recording : recordings) {
    if (const auto done = read(recording, window, cancel); !done) failed(done.error().message());
  }
  if (!collection.failures.empty()) return collection;
  auto seen = mode_ == PerfMode::kSmart ? choose_deeper(std::move(recordings.front().script.processes()),
                                                        std::move(recordings.back().script.processes()))
                                        : all_of(recordings.front().script.processes());
  for (const profile::ToolStacks& stacks : seen) {
    const int32_t pid = stacks.process().key.pid;
    if (window.pids.empty() || std::ranges::find(window.pids, pid) != window.pids.end()) {
      collection.processes.push_back(identified(stacks));
    }
  }
  return collection;
}

}  // namespace gp::managed
