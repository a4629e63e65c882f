// Measures what the agent takes, once a second, lets the governor decide and does what it says, with a line in the log
// for each step and for what it freed. Owner thread: control. Units: bytes, ns.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/unique_fd.h"
#include "session/governor/governor.h"
#include "session/governor/growth.h"
#include "session/governor/relief.h"
#include "session/governor/self_history.h"
#include "session/governor/self_report.h"

namespace gp::session {

// What is measured. Replaced by tests.
struct SelfMeasure {
  std::function<Result<os::ResidentMemory>()> resident = os::own_resident_memory;
  std::function<Result<os::OpenFds>()> fds = os::own_open_fds;
};

class MemoryWatch {
 public:
  struct Options {
    MemoryLevels levels;
    std::string version;
    std::string history_path;  // "": none is kept
  };
  // `relief` must outlive the watch.
  MemoryWatch(Options options, Relief* relief, SelfMeasure measure = {});

  // Opens triggers of the host's and our control group's pressure, as far as the kernel has them; `pressure_fds` are to
  // be polled for POLLPRI by whoever calls tick(), and note_pressure() called when one is ready.
  void watch_pressure();
  [[nodiscard]] const std::vector<os::UniqueFd>& pressure_fds() const { return pressure_fds_; }
  void note_pressure() { pressure_ = true; }
  // A trigger that poll() calls broken (its control group went away) is closed: it would wake us for ever.
  void forget_pressure(int fd);

  // To be called about once a second.
  void tick(uint64_t now_ns, int64_t wall_unix_s);

  // As of now: measured for the caller.
  [[nodiscard]] SelfReport report(int64_t wall_unix_s) const;

 private:
  struct Pending {  // steps taken whose effect is measured at the next tick
    std::string steps;
    uint64_t before_bytes = 0;
  };

  std::optional<uint64_t> measure(uint64_t now_ns);
  void tell_freed(uint64_t bytes);
  void take(const Decision& decision, const Observation& seen);
  void apply(Step step, const Decision& decision);

  Options options_;
  Relief* relief_;
  SelfMeasure measure_;
  Governor governor_;
  Growth memory_growth_;
  Growth fd_growth_;
  std::optional<SelfHistory> history_;
  std::vector<os::UniqueFd> pressure_fds_;
  bool pressure_ = false;
  bool told_unmeasured_ = false;
  bool told_unwritten_ = false;
  std::optional<uint64_t> start_ns_;
  uint64_t now_ns_ = 0;
  uint64_t fds_measured_ns_ = 0;
  uint64_t bpf_map_bytes_ = 0;
  std::optional<Pending> pending_;
};

}  // namespace gp::session
