// The external collectors of one window while they run. Owner thread: the closer's, after the reader has started them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "managed/collector.h"
#include "session/executor.h"
#include "session/session.h"

namespace gp::session {

class CollectorRuns {
 public:
  // Gives each of the session's collectors to the executor. `end_ns` and `deadline_ns` are CLOCK_MONOTONIC. `before` are
  // the runs of the session's window before: a collector that is still at work on that one is left out of this one.
  CollectorRuns(Executor& executor, const SessionOptions& session, uint64_t end_ns, uint64_t deadline_ns,
                const CollectorRuns* before);

  [[nodiscard]] bool done() const;
  [[nodiscard]] uint64_t end_ns() const { return end_ns_; }  // when the window was to end
  [[nodiscard]] uint64_t deadline_ns() const { return deadline_ns_; }
  void cancel();

  struct Part {
    std::string name;
    managed::Collection collection;
    std::string error;  // of the collector as a whole
    bool timed_out = false;
  };
  // What has come; cancels what has not.
  std::vector<Part> take();

 private:
  // Written by the worker until the task is done.
  struct Run {
    std::shared_ptr<managed::Collector> collector;
    managed::Collection collection;
    bool began = false;  // a worker was free before the window was over
    std::string error;   // why there is no task
    std::shared_ptr<Executor::Task> task;
  };

  [[nodiscard]] bool busy(const managed::Collector* collector) const;

  uint64_t end_ns_;
  uint64_t deadline_ns_;
  std::vector<std::shared_ptr<Run>> runs_;
};

}  // namespace gp::session
