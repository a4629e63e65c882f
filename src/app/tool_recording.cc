#include "app/tool_recording.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <random>

#include "base/clock.h"
#include "managed/leftovers.h"
#include "managed/merge.h"
#include "managed/process_finder.h"
#include "os/host.h"

namespace gp::app {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

struct ToolRecording::Task {
  std::shared_ptr<managed::Collector> collector;
  managed::Collection collection;  // once done
  std::atomic<bool> done{false};
  std::jthread thread;
};

namespace {

constexpr seconds kPatience{30};      // after the window; half its length at most
constexpr seconds kLeastPatience{5};  // a tool has to start and write even for a short one
constexpr milliseconds kTick{20};

managed::Window window_of(const RecordRequest& request) {
  const auto now = steady_clock::now();
  const auto length = request.duration.value_or(milliseconds(0));
  managed::Window window;
  window.end = now + length;
  window.deadline = window.end + std::clamp<milliseconds>(length / 2, kLeastPatience, kPatience);
  window.frequency_hz = request.frequency_hz;
  window.pids = request.children ? managed::with_descendants(request.pids) : request.pids;
  return window;
}

// Of a profile without a sampler.
profile::Profile empty_profile(const RecordRequest& request, int64_t start_unix_ns) {
  constexpr uint64_t kNsPerSecond = 1'000'000'000;
  profile::Profile profile;
  profile.start_unix_ns = start_unix_ns;
  profile.end_unix_ns = wall_ns();
  profile.frequency_hz = request.frequency_hz;
  profile.period_ns = kNsPerSecond / request.frequency_hz;
  profile.event = "perf";
  profile.hostname = os::host_name();
  profile.kernel_release = os::kernel_release();
  return profile;
}

Result<std::unique_ptr<managed::Launcher>> make_launcher(const Tell& tell) {
  const managed::Leftovers leftovers = managed::sweep_leftovers();
  if (const std::string found = leftovers.describe(); !found.empty()) tell(fmt::format("warning: {}", found));
  return managed::Launcher::make();
}

}  // namespace

ToolRecording::ToolRecording(std::unique_ptr<Recording> inner, std::unique_ptr<managed::Launcher> launcher,
                             std::vector<std::shared_ptr<managed::Collector>> collectors, const RecordRequest& request)
    : inner_(std::move(inner)),
      launcher_(std::move(launcher)),
      request_(request),
      window_(window_of(request)),
      start_unix_ns_(wall_ns()) {
  for (auto& collector : collectors) {
    auto task = std::make_unique<Task>();
    task->collector = std::move(collector);
    task->thread = std::jthread([this, task = task.get()] {
      task->collection = task->collector->collect(window_, cancel_.get_token());
      task->done = true;
    });
    tasks_.push_back(std::move(task));
  }
}

ToolRecording::~ToolRecording() {
  cancel_.request_stop();
  launcher_->hurry();
  launcher_->close();  // a collector that waits for a child gets its answer
}

void ToolRecording::wait_for_tasks() {
  // Each is bounded by the window's deadline and by how long it takes to kill a tool.
  while (!std::ranges::all_of(tasks_, [](const auto& task) { return task->done.load(); })) {
    pollfd asked{launcher_->fd(), POLLIN, 0};
    ::poll(&asked, 1, static_cast<int>(kTick.count()));
    launcher_->serve();
  }
}

Result<profile::Profile> ToolRecording::finish() {
  if (steady_clock::now() < window_.end - seconds(1)) {
    launcher_->hurry();  // whoever ended us early does not wait for a tool that is deaf
    cancel_.request_stop();
  }
  auto profile = inner_ ? inner_->finish() : Result<profile::Profile>(empty_profile(request_, start_unix_ns_));
  if (!profile) cancel_.request_stop();
  wait_for_tasks();
  if (!profile) return profile;
  std::minstd_rand random(std::random_device{}());
  std::uniform_real_distribution<double> phase(0, 1);
  for (const auto& task : tasks_) {
    managed::merge_collection(task->collector->name(), task->collection, [&] { return phase(random); }, *profile);
  }
  profile::drop_unused(*profile);
  if (inner_ == nullptr && profile->samples.empty()) {
    const auto& failures = profile->tools.front().failures;
    return fail(ErrorCode::kSystem,
                failures.empty() ? "perf saw no sample; profile for longer (-d)" : failures.begin()->first);
  }
  return profile;
}

Result<std::unique_ptr<Recording>> start_with_tools(const managed::ToolChoice& choice, const RecordRequest& request,
                                                    const StartRecording& start, const Tell& tell) {
  if (!choice.any()) return start(request);
  if (!request.duration) {
    tell(std::string(kToolsNeedDuration));
    return start(request);
  }
  GP_ASSIGN(auto launcher, make_launcher(tell));
  managed::Collectors made = managed::make_collectors(choice, *launcher);
  for (const std::string& line : made.absent) tell(fmt::format("warning: {}", line));
  GP_ASSIGN(auto inner, start(request));
  if (made.collectors.empty()) return inner;
  return std::make_unique<ToolRecording>(std::move(inner), std::move(launcher), std::move(made.collectors), request);
}

Result<std::unique_ptr<Recording>> start_perf(managed::PerfMode mode, const RecordRequest& request) {
  if (!request.duration)
    return fail(ErrorCode::kUsage, "--perf-mode: perf needs to know for how long: give -d, and no COMMAND");
  GP_ASSIGN(auto launcher, managed::Launcher::make());
  GP_ASSIGN(auto perf, managed::make_perf_collector(mode, *launcher));
  return std::make_unique<ToolRecording>(nullptr, std::move(launcher),
                                         std::vector<std::shared_ptr<managed::Collector>>{std::move(perf)}, request);
}

}  // namespace gp::app
