// What a long-running agent does for itself beside profiling: measures and governs its memory, keeps its history, serves
// its figures, and feeds the service manager's watchdog. Owner thread: control, whose loop polls fds() and calls turn().
#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/metrics_server.h"
#include "base/result.h"
#include "os/service_notify.h"
#include "os/unique_fd.h"
#include "session/governor/memory_watch.h"

namespace gp::app {

struct UpkeepOptions {
  session::MemoryLimitOptions memory;
  std::string state_directory = "/var/lib/gprofiler";  // self.tsv lies there; "": no history
  std::optional<ListenAddress> metrics;
  bool operator==(const UpkeepOptions&) const = default;
};

class Upkeep {
 public:
  // `relief` must outlive the object. Fails when the levels make no sense or metrics cannot be served.
  static Result<std::unique_ptr<Upkeep>> start(const UpkeepOptions& options, os::ServiceNotify notify,
                                               session::Relief* relief);

  // To be polled for the events they carry; turn() is to be called when any of them is ready.
  [[nodiscard]] std::vector<pollfd> fds() const;
  void turn(std::span<const pollfd> polled);

  // Sampling runs: tells the service manager, which starts the watchdog.
  void ready();
  void stopping();

  [[nodiscard]] uint16_t metrics_port() const { return metrics_ ? metrics_->port() : 0; }
  [[nodiscard]] session::SelfReport report() const;
  // SIGUSR2: the figures, a line of the log each.
  void log_report() const;

 private:
  Upkeep(session::MemoryWatch::Options watch, os::ServiceNotify notify, session::Relief* relief)
      : watch_(std::move(watch), relief), notify_(std::move(notify)) {}
  void every_second();

  session::MemoryWatch watch_;
  os::ServiceNotify notify_;
  os::UniqueFd second_;
  std::unique_ptr<MetricsServer> metrics_;
  uint64_t last_alive_ns_ = 0;
  uint64_t last_published_ns_ = 0;
  bool ready_ = false;
};

// Where the history lies in the state directory.
std::string history_path(const std::string& state_directory);

}  // namespace gp::app
