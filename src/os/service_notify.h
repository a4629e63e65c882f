// Tells the service manager how we are, as sd_notify(3) does: datagrams to the socket that NOTIFY_SOCKET names. Nobody
// listens: nothing happens. Owner thread: any one at a time.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::os {

class ServiceNotify {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment, so that children do not
  // speak for us. To be made before the first thread.
  static ServiceNotify from_environment();

  // Half of WatchdogSec= (as sd_watchdog_enabled(3) advises): how often alive() is to be called. Nothing: no watchdog.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval() const { return watchdog_interval_; }

  // All may fail without harm: the manager went away, or its queue is full.
  Result<void> ready() { return send("READY=1"); }
  Result<void> alive() { return send("WATCHDOG=1"); }
  Result<void> reloading();
  Result<void> stopping() { return send("STOPPING=1"); }
  // One line for `systemctl status`.
  Result<void> status(std::string_view line);

 private:
  Result<void> send(std::string_view message);

  std::string socket_path_;  // '@' at the start: in the abstract namespace; empty: nobody listens
  std::optional<std::chrono::microseconds> watchdog_interval_;
};

}  // namespace gp::os
