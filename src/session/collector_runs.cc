#include "session/collector_runs.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "managed/process_finder.h"

namespace gp::session {
namespace {

// steady_clock is CLOCK_MONOTONIC in libstdc++ and libc++.
std::chrono::steady_clock::time_point steady(uint64_t monotonic) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(monotonic));
}

}  // namespace

CollectorRuns::CollectorRuns(Executor& executor, const SessionOptions& session, uint64_t end_ns, uint64_t deadline_ns,
                             const CollectorRuns* before)
    : end_ns_(end_ns), deadline_ns_(deadline_ns) {
  managed::Window window{.end = steady(end_ns),
                         .deadline = steady(deadline_ns),
                         .frequency_hz = session.frequency_hz,
                         .pids = session.filter.pids};
  for (const auto& collector : session.collectors) {
    auto run = std::make_shared<Run>();
    run->collector = collector;
    runs_.push_back(run);
    if (before != nullptr && before->busy(collector.get())) {
      run->error = "still at work on the window before";
      continue;
    }
    const bool children = session.filter.children;
    run->task = executor.submit([run, window, children](const std::stop_token& cancel) mutable {
      run->began = std::chrono::steady_clock::now() < window.end && !cancel.stop_requested();
      if (children) window.pids = managed::with_descendants(window.pids);
      if (run->began) run->collection = run->collector->collect(window, cancel);
    });
    if (!run->task) run->error = "too many collectors are waiting";
  }
}

bool CollectorRuns::busy(const managed::Collector* collector) const {
  return std::ranges::any_of(
      runs_, [&](const auto& run) { return run->collector.get() == collector && run->task && !run->task->done(); });
}

bool CollectorRuns::done() const {
  return std::ranges::all_of(runs_, [](const auto& run) { return !run->task || run->task->done(); });
}

void CollectorRuns::cancel() {
  for (const auto& run : runs_) {
    if (run->task) run->task->cancel();
  }
}

std::vector<CollectorRuns::Part> CollectorRuns::take() {
  std::vector<Part> parts;
  for (const auto& run : runs_) {
    Part part{.name = std::string(run->collector->name()), .collection = {}, .error = run->error, .timed_out = false};
    if (run->task && !run->task->done()) {
      run->task->cancel();
      part.timed_out = true;
      part.error = "timed out";
    } else if (run->task && run->task->cancelled()) {
      part.error = "cancelled";
    } else if (run->task && !run->began) {
      part.error = "no worker was free during the window; raise --max-workers";
    } else if (run->task) {
      part.collection = std::move(run->collection);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace gp::session
