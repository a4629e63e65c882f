// `gprofiler -c`: the gprofiler in the background. It owns the engine, its continuous session, and what is asked for
// through the control socket and by signals. Owner thread: control, which is the main thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/control_requests.h"
#include "app/control_server.h"
#include "app/options.h"
#include "app/session_files.h"
#include "app/upkeep.h"
#include "base/result.h"
#include "managed/launcher.h"
#include "os/event_fd.h"
#include "session/engine.h"
#include "session/governor/engine_relief.h"

namespace gp::app {

using StartEngine = std::function<Result<std::unique_ptr<session::Engine>>(const session::EngineOptions&)>;
// Reads command line, variables and config file again.
using ReadOptions = std::function<Result<ProfileOptions>()>;

class Daemon {
 public:
  // Everything is in place, and the continuous session runs, when this returns.
  static Result<std::unique_ptr<Daemon>> start(const ProfileOptions& options, ReadOptions read_again,
                                               const StartEngine& start_engine);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Until SIGINT, SIGTERM or the end of the controller. Files of open windows are written then.
  Result<void> run();

 private:
  // What somebody waits for.
  struct Waiter {
    ClientId client = 0;
    session::SessionId session = 0;
    bool last = false;  // the session's last window; else its next
  };

  Daemon(const ProfileOptions& options, ReadOptions read_again, os::SignalFd signals);
  Result<void> start_continuous();
  Result<void> make_launcher();
  Result<void> watch_controller();
  void write_pid_file() const;
  bool take_signals();  // false: to end
  void reload();
  void take_results();
  void tell_waiters(const WindowResult& result);
  static std::string reply_of(const WindowResult& result);
  void shut_down();

  void on_request(ClientId client, std::string_view line);
  void on_gone(ClientId client);
  void handle(ClientId client, const StatusRequest& request);
  void handle(ClientId client, const ListRequest& request);
  void handle(ClientId client, const SnapshotRequest& request);
  void handle(ClientId client, const StartRequest& request);
  void handle(ClientId client, const StopRequest& request);
  struct Started {
    session::SessionId id = 0;
    std::vector<std::string> warnings;  // a line each, for who asked
  };
  Result<Started> start_session(const SessionRequest& request);

  ProfileOptions options_;
  ReadOptions read_again_;
  uint64_t started_ns_ = 0;
  os::SignalFd signals_;
  os::UniqueFd lock_;  // the host-wide one
  os::UniqueFd controller_;
  std::shared_ptr<WindowResults> results_ = std::make_shared<WindowResults>();
  std::shared_ptr<output::HeldProfiles> held_ = std::make_shared<output::HeldProfiles>();
  std::unique_ptr<managed::Launcher> launcher_;
  std::unique_ptr<session::Engine> engine_;        // whose workers run the tools: goes first
  std::unique_ptr<session::EngineRelief> relief_;  // of the engine
  std::unique_ptr<Upkeep> upkeep_;
  session::SessionId continuous_ = 0;
  std::vector<Waiter> waiters_;
  std::map<session::SessionId, WindowResult> last_results_;    // of the sessions that ended last
  std::map<ClientId, std::vector<session::SessionId>> owned_;  // sessions that end with a client
  uint64_t started_sessions_ = 0;
  std::unique_ptr<ControlServer> control_;  // goes first: its handlers use the others
};

std::vector<output::Format> formats_of(bool flamegraph, bool pprof);

}  // namespace gp::app
