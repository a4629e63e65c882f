// What an external profiler is to a session: something that collects stacks of processes over one window, at the same
// time as the sampler walks them, and may fail without harm to anything else.
//
// The session runs each collector of a window as one task of its bounded executor. collect() blocks that worker from
// the start of the window until the last of its tools has ended, has been killed at the deadline, or has been killed
// because of `cancel`; in every case all children are gone when it returns. Whatever it returns within the session's own
// patience is put into the closed profile by profile::replace_stacks; what it reports as failed leaves the walked stacks
// as they are.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "profile/tool_stacks.h"

namespace gp::managed {

// One window, as a collector needs to know it.
struct Window {
  std::chrono::steady_clock::time_point end;       // tools stop sampling then
  std::chrono::steady_clock::time_point deadline;  // what has not come by then is given up, its tool killed
  uint32_t frequency_hz = 0;                       // the session's nominal rate; a tool's own cap may lower it
  std::vector<int32_t> pids;                       // only these processes; empty: every one
};

// Why something is missing. Counted by reason; one line, fit for people.
struct CollectFailure {
  std::optional<ProcessKey> process;  // none: of the collector as a whole
  std::string reason;                 // "py-spy: killed by signal 9 (Killed): …"
};

struct Collection {
  std::vector<profile::ToolStacks> processes;
  std::vector<CollectFailure> failures;
};

// Owner thread: the one that makes it; collect() is called from one executor worker at a time.
class Collector {
 public:
  Collector() = default;
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  virtual ~Collector() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;  // "py-spy"
  [[nodiscard]] virtual Collection collect(const Window& window, const std::stop_token& cancel) = 0;
};

}  // namespace gp::managed
