#include "managed/tool_collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "managed/process_finder.h"
#include "managed/program.h"
#include "managed/scratch_directory.h"
#include "os/procfs.h"

namespace gp::managed {

using std::chrono::seconds;
using std::chrono::steady_clock;

struct ToolCollector::Job {
  explicit Job(profile::Process identity) : stacks(std::move(identity)) {}

  ToolRun run;
  profile::ToolStacks stacks;
  uint64_t not_understood = 0;  // lines of its output
  std::unique_ptr<ManagedProcess> process;
  std::string failure;  // why there is none
};

namespace {

constexpr seconds kCleanUpTime{5};

// Tools count whole seconds. A window with less left is not worth starting for.
std::optional<seconds> whole_seconds_left(const Window& window) {
  const auto left = std::chrono::floor<seconds>(window.end - steady_clock::now() + std::chrono::milliseconds(100));
  if (left < seconds(1)) return std::nullopt;
  return left;
}

}  // namespace

std::vector<std::unique_ptr<ToolCollector::Job>> ToolCollector::find_jobs(const Window& window,
                                                                          const std::string& directory,
                                                                          Collection& collection) const {
  std::vector<std::unique_ptr<Job>> jobs;
  const auto duration = whole_seconds_left(window);
  if (!duration) {
    collection.failures.push_back({std::nullopt, fmt::format("{}: the window is too short", tool_.name)});
    return jobs;
  }
  const uint32_t hz = tool_.max_hz == 0 ? window.frequency_hz : std::min(window.frequency_hz, tool_.max_hz);
  for (FoundProcess& found : find_processes(tool_.looks_at, window.pids)) {
    if (jobs.size() == kMaxProcesses) {
      collection.failures.push_back(
          {found.identity.key, fmt::format("{}: not run on more than {} processes", tool_.name, kMaxProcesses)});
      continue;
    }
    const int32_t pid = found.identity.key.pid;
    auto job = std::make_unique<Job>(std::move(found.identity));
    job->run = {.program = program_,
                .pid = pid,
                .namespace_pid = found.namespace_pid,
                .frequency_hz = std::max(hz, 1U),
                .duration = *duration,
                .mode = mode_,
                .result_file = directory.empty() ? std::string() : fmt::format("{}/{}.trace", directory, pid)};
    jobs.push_back(std::move(job));
  }
  return jobs;
}

void ToolCollector::start(Job& job, const Window& window) {
  ProcessSpec spec;
  spec.name = tool_.name;
  spec.arguments = tool_.arguments(job.run);
  spec.environment = tool_environment();
  if (tool_.environment != nullptr) {
    for (std::string& variable : tool_.environment(job.run)) spec.environment.push_back(std::move(variable));
  }
  spec.deadline = std::min(window.deadline, window.end + tool_.time_limit);
  if (tool_.take_line != nullptr) {
    spec.output = ToParser{[&job, take = tool_.take_line](std::string_view line) {
      if (!take(line, job.stacks)) ++job.not_understood;
      return true;
    }};
  }
  auto started = launcher_.start(std::move(spec));
  if (started) {
    job.process = std::make_unique<ManagedProcess>(std::move(*started));
  } else {
    job.failure = started.error().message();
  }
}

// What became of one run. Stacks of a tool that failed are not used: half a window would be taken for a whole one.
void ToolCollector::finish(Job& job, Collection& collection) {
  if (job.failure.empty()) {
    const ProcessResult& result = job.process->result();
    if (!result.ok()) {
      job.failure = result.describe();
      clean_up(job);
    } else if (tool_.take_file != nullptr) {
      if (const auto taken = tool_.take_file(job.run.result_file, job.run, job.stacks); !taken) {
        job.failure = fmt::format("{}: {}", result.name, taken.error().message());
      }
    } else if (job.not_understood > 0 && job.stacks.empty()) {
      job.failure = fmt::format("{}: none of its {} lines can be understood", result.name, job.not_understood);
    }
  }
  const ProcessKey key = job.stacks.process().key;
  const auto now = os::process_key(key.pid);
  if (!job.failure.empty()) {
    const bool gone = !now || *now != key;
    collection.failures.push_back({key, gone ? job.failure + " (the process has ended)" : job.failure});
  } else if (!job.stacks.empty()) {
    collection.processes.push_back(std::move(job.stacks));
  }
}

void ToolCollector::clean_up(const Job& job) {
  if (tool_.clean_up == nullptr || job.process == nullptr) return;
  ProcessSpec spec;
  spec.name = fmt::format("{}, cleaning up", tool_.name);
  spec.arguments = tool_.clean_up(job.run);
  spec.environment = tool_environment();
  spec.deadline = steady_clock::now() + kCleanUpTime;
  // Whether it succeeds says nothing that the failure before has not said.
  if (auto process = launcher_.start(std::move(spec))) (void)process->run({});
}

Collection ToolCollector::collect(const Window& window, const std::stop_token& cancel) {
  Collection collection;
  std::optional<ScratchDirectory> scratch;
  if (tool_.writes_file) {
    auto made = ScratchDirectory::make();
    if (!made) {
      collection.failures.push_back({std::nullopt, fmt::format("{}: {}", tool_.name, made.error().message())});
      return collection;
    }
    scratch.emplace(std::move(*made));
  }
  const auto jobs = find_jobs(window, scratch ? scratch->path() : std::string(), collection);
  std::vector<ManagedProcess*> running;
  for (const auto& job : jobs) {
    if (cancel.stop_requested()) job->failure = fmt::format("{}: was cancelled", tool_.name);
    if (job->failure.empty()) start(*job, window);
    if (job->process) running.push_back(job->process.get());
  }
  run_to_end(running, cancel);
  for (const auto& job : jobs) finish(*job, collection);
  return collection;
}

}  // namespace gp::managed
