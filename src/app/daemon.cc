#include "app/daemon.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <thread>

#include "app/run.h"
#include "base/clock.h"
#include "managed/leftovers.h"
#include "os/unix_socket.h"

namespace gp::app {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr std::string_view kLockName = "gprofiler_lock";  // as the gProfiler agent, so that one of both runs
constexpr auto kShutDownLimit = std::chrono::milliseconds(1500);
constexpr auto kServeInterval = std::chrono::milliseconds(20);  // meanwhile
constexpr size_t kLastResults = 16;
constexpr int64_t kNsPerSecond = 1'000'000'000;

std::string line_of(const json& object) { return object.dump(-1, ' ', true, json::error_handler_t::replace); }

json session_json(const session::SessionStatus& status) {
  return {{"id", status.id},
          {"name", status.name},
          {"frequency", status.frequency_hz},
          {"pids", status.pids},
          {"children", status.children},
          {"window_seconds", std::chrono::duration<double>(status.window).count()},
          {"started", status.started_unix_ns / kNsPerSecond},
          {"window_end", status.window_end_unix_ns / kNsPerSecond},
          {"samples", status.samples},
          {"windows", status.windows_closed},
          {"failed", status.windows_failed},
          {"merged", status.windows_merged},
          {"collectors_timed_out", status.collectors_timed_out},
          {"collectors_failed", status.collectors_failed},
          {"closing", status.closing},
          {"stopping", status.stopping},
          {"last_error", status.last_error}};
}

json held_json(const output::HeldProfiles& held) {
  return {{"profiles", held.count()}, {"bytes", held.bytes()}, {"dropped", held.dropped()}};
}

json sessions_json(const std::vector<session::SessionStatus>& all) {
  json list = json::array();
  for (const auto& status : all) list.push_back(session_json(status));
  return list;
}

// Files and options of the session that `options` ask for.
session::SessionOptions continuous_session(const ProfileOptions& options, std::shared_ptr<WindowResults> results,
                                           std::shared_ptr<output::HeldProfiles> held) {
  FileOptions files{.directory = options.output_directory,
                    .formats = formats_of(options.flamegraph, options.pprof),
                    .rotating = options.rotating,
                    .style = std::nullopt};
  return {.name = "continuous",
          .frequency_hz = options.frequency_hz,
          .filter = {.pids = options.pids, .children = options.children},
          .window = options.duration.value_or(kDefaultDuration),
          .inlines = options.inlines,
          .python_versions = options.python_versions,
          .sink = std::make_shared<SessionFiles>(std::move(files), std::move(results), std::move(held))};
}

}  // namespace

std::vector<output::Format> formats_of(bool flamegraph, bool pprof) {
  std::vector<output::Format> formats{output::Format::kCollapsed};
  if (pprof) formats.push_back(output::Format::kPprof);
  if (flamegraph) formats.push_back(output::Format::kHtml);  // last: what one looks at first
  return formats;
}

Daemon::Daemon(const ProfileOptions& options, ReadOptions read_again, os::SignalFd signals)
    : options_(options),
      read_again_(std::move(read_again)),
      started_ns_(monotonic_ns()),
      signals_(std::move(signals)) {}

Result<std::unique_ptr<Daemon>> Daemon::start(const ProfileOptions& options, ReadOptions read_again,
                                              const StartEngine& start_engine) {
  // Before the first thread, so that all of them leave these signals to the descriptor, and none reads the environment.
  const std::array signals{SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
  os::ServiceNotify notify = os::ServiceNotify::from_environment();
  GP_ASSIGN(os::SignalFd blocked, os::SignalFd::make(signals));
  std::unique_ptr<Daemon> daemon(new Daemon(options, std::move(read_again), std::move(blocked)));
  Daemon* const self = daemon.get();
  auto lock = os::hold_host_name(kLockName);
  if (!lock && lock.error().code() == ErrorCode::kLimit) {
    return fail(ErrorCode::kLimit,
                "Could not acquire gProfiler's lock. Is it already running? Try 'sudo netstat -xp | grep gprofiler' to "
                "see which process holds the lock.");
  }
  if (!lock) return std::unexpected(std::move(lock).error());
  self->lock_ = std::move(*lock);
  GP_TRY(self->watch_controller());
  GP_ASSIGN(self->control_,
            ControlServer::listen(
                options.control_socket,
                {.request = [self](ClientId client, std::string_view line) { self->on_request(client, line); },
                 .gone = [self](ClientId client) { self->on_gone(client); }}));
  GP_TRY(self->make_launcher());
  GP_ASSIGN(self->engine_,
            start_engine({.max_workers = options.max_workers, .profiler_timeout = options.profiler_timeout}));
  self->relief_ = std::make_unique<session::EngineRelief>(self->engine_.get());
  GP_ASSIGN(self->upkeep_, Upkeep::start(options.upkeep, std::move(notify), self->relief_.get()));
  GP_TRY(self->start_continuous());
  self->write_pid_file();
  self->upkeep_->ready();
  return daemon;
}

Daemon::~Daemon() {
  if (!options_.pid_file.empty()) ::unlink(options_.pid_file.c_str());
}

Result<void> Daemon::make_launcher() {
  if (const std::string found = managed::sweep_leftovers().describe(); !found.empty()) spdlog::warn(found);
  GP_ASSIGN(launcher_, managed::Launcher::make());
  return {};
}

Result<void> Daemon::start_continuous() {
  managed::Collectors tools = managed::make_collectors(options_.tools, *launcher_);
  for (const std::string& line : tools.absent) spdlog::warn(line);
  session::SessionOptions session = continuous_session(options_, results_, held_);
  session.collectors = std::move(tools.collectors);
  GP_ASSIGN(continuous_, engine_->start_session(std::move(session)));
  spdlog::info("profiling at {} Hz, a profile every {} s in {}", options_.frequency_hz,
               options_.duration.value_or(kDefaultDuration).count() / 1000, options_.output_directory);
  return {};
}

Result<void> Daemon::watch_controller() {
  if (!options_.controller_pid) return {};
  auto process = os::open_pidfd(*options_.controller_pid);
  if (!process) {
    return fail(ErrorCode::kNotFound, fmt::format("--controller-pid {}: no such process; give the one that started us",
                                                  *options_.controller_pid));
  }
  controller_ = std::move(*process);
  return {};
}

void Daemon::write_pid_file() const {
  if (options_.pid_file.empty()) return;
  auto file = os::open_file(options_.pid_file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644);
  const auto written = file ? os::write_all(file->get(), fmt::format("{}\n", ::getpid()), options_.pid_file)
                            : std::unexpected(file.error());
  if (!written) spdlog::warn("--pid-file: {}", written.error().message());
}

Result<void> Daemon::run() {
  for (;;) {
    std::vector<pollfd> waiting{{.fd = signals_.fd(), .events = POLLIN, .revents = 0},
                                {.fd = controller_.get(), .events = POLLIN, .revents = 0},
                                {.fd = engine_->closed_fd(), .events = POLLIN, .revents = 0},
                                {.fd = launcher_->fd(), .events = POLLIN, .revents = 0}};
    const size_t own = waiting.size();
    const std::vector<pollfd> of_upkeep = upkeep_->fds();
    waiting.insert(waiting.end(), of_upkeep.begin(), of_upkeep.end());
    control_->add_to(waiting);
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return fail_errno("poll");
    if (!take_signals()) break;
    if (waiting[1].revents != 0) {
      spdlog::info("the controller, process {}, has ended", options_.controller_pid.value_or(0));
      break;
    }
    upkeep_->turn(std::span(waiting).subspan(own, of_upkeep.size()));
    // Nothing is sampled any more: whoever started us is to start us again.
    if (const auto& failure = relief_->failure()) return std::unexpected(*failure);
    take_results();
    launcher_->serve();
    control_->serve(monotonic_ns());
  }
  shut_down();
  return {};
}

bool Daemon::take_signals() {
  while (const auto signal = signals_.next()) {
    if (*signal == SIGUSR1) {
      static_cast<void>(engine_->end_window(continuous_));
    } else if (*signal == SIGUSR2) {
      upkeep_->log_report();
    } else if (*signal == SIGHUP) {
      reload();
    } else {
      return false;
    }
  }
  return true;
}

// What only counts at the start stays as it was.
void Daemon::reload() {
  auto options = read_again_();
  if (options && !options->continuous)
    options = fail(ErrorCode::kUsage, "-c is not asked for any more; stop me instead");
  Result<void> usable = options ? output::prepare_directory(options->output_directory) : Result<void>();
  if (!options || !usable) {
    spdlog::error("reload: {}; going on as before", (options ? usable.error() : options.error()).message());
    return;
  }
  options->pid_file = options_.pid_file;
  options->controller_pid = options_.controller_pid;
  options->control_socket = options_.control_socket;
  options->upkeep = options_.upkeep;
  options->log_file = options_.log_file;
  if (*options == options_) {
    spdlog::info("reload: nothing has changed");
    return;
  }
  static_cast<void>(engine_->stop_session(continuous_));
  options_ = std::move(*options);
  if (auto started = start_continuous(); !started) spdlog::error("reload: {}", started.error().message());
}

void Daemon::take_results() {
  engine_->take_closed();
  for (const WindowResult& result : results_->take()) {
    if (result.error.empty() && !result.files.empty()) {
      spdlog::info("session {}: {}; wrote {}", result.name, result.quality, result.files.front());
    }
    tell_waiters(result);
  }
}

void Daemon::tell_waiters(const WindowResult& result) {
  const std::string reply = reply_of(result);
  std::erase_if(waiters_, [&](const Waiter& waiter) {
    if (waiter.session != result.session || (waiter.last && !result.last)) return false;
    control_->reply(waiter.client, reply);
    return true;
  });
  if (!result.last) return;
  last_results_[result.session] = result;
  if (last_results_.size() > kLastResults) last_results_.erase(last_results_.begin());
  for (auto& [client, sessions] : owned_) std::erase(sessions, result.session);
}

std::string Daemon::reply_of(const WindowResult& result) {
  if (!result.error.empty()) return error_reply(result.error);
  return line_of({{"ok", true},
                  {"id", result.session},
                  {"samples", result.samples},
                  {"files", result.files},
                  {"summary", result.summary}});
}

// All within two seconds: who asked us to end asks harder then.
void Daemon::shut_down() {
  upkeep_->stopping();
  const auto limit = std::chrono::steady_clock::now() + kShutDownLimit;
  launcher_->hurry();
  engine_->hurry();
  for (const auto& status : engine_->sessions()) static_cast<void>(engine_->stop_session(status.id));
  // Tools that were cancelled may have something to tidy up in their processes, for which they need us.
  while (std::chrono::steady_clock::now() < limit) {
    const auto sessions = engine_->sessions();
    if (sessions.empty() && engine_->figures().collectors_running == 0) break;
    static_cast<void>(engine_->wait_closed(sessions.empty() ? 0 : sessions.front().id, kServeInterval));
    if (sessions.empty()) std::this_thread::sleep_for(kServeInterval);
    launcher_->serve();
  }
  launcher_->close();
  for (const auto& status : engine_->sessions()) {
    spdlog::warn("session {}: its last window could not be written in time", status.name);
  }
  if (held_->count() > 0) spdlog::error("{} profiles could not be written and are lost", held_->count());
  take_results();
  control_->serve(monotonic_ns());
}

void Daemon::on_request(ClientId client, std::string_view line) {
  const auto request = parse_control_request(line);
  if (!request) return control_->reply(client, error_reply(request.error().message()));
  std::visit([&](const auto& known) { handle(client, known); }, *request);
}

void Daemon::on_gone(ClientId client) {
  std::erase_if(waiters_, [client](const Waiter& waiter) { return waiter.client == client; });
  const auto owned = owned_.find(client);
  if (owned == owned_.end()) return;
  for (const session::SessionId id : owned->second) static_cast<void>(engine_->stop_session(id));
  owned_.erase(owned);
}

void Daemon::handle(ClientId client, const StatusRequest& /*request*/) {
  const session::EngineFigures figures = engine_->figures();
  const session::SelfReport self = upkeep_->report();
  control_->reply(client, line_of({{"ok", true},
                                   {"version", kVersion},
                                   {"pid", ::getpid()},
                                   {"uptime_seconds", (monotonic_ns() - started_ns_) / kNsPerSecond},
                                   {"sampling_hz", figures.sampling_hz},
                                   {"processes", figures.processes},
                                   {"collectors_running", figures.collectors_running},
                                   {"clients", control_->clients()},
                                   {"held", held_json(*held_)},
                                   {"self", session::report_json(self)},
                                   {"self_text", session::report_text(self)},
                                   {"sessions", sessions_json(engine_->sessions())},
                                   {"ended", sessions_json(engine_->ended())}}));
}

void Daemon::handle(ClientId client, const ListRequest& /*request*/) {
  control_->reply(client, line_of({{"ok", true}, {"sessions", sessions_json(engine_->sessions())}}));
}

void Daemon::handle(ClientId client, const SnapshotRequest& request) {
  if (request.session) {
    const auto started = start_session(*request.session);
    if (!started) return control_->reply(client, error_reply(started.error().message()));
    if (request.session->owned) owned_[client].push_back(started->id);
    waiters_.push_back({.client = client, .session = started->id, .last = true});
    return;
  }
  if (const auto ended = engine_->end_window(continuous_); !ended) {
    return control_->reply(client, error_reply(ended.error().message()));
  }
  waiters_.push_back({.client = client, .session = continuous_, .last = false});
}

void Daemon::handle(ClientId client, const StartRequest& request) {
  const auto started = start_session(request.session);
  if (!started) return control_->reply(client, error_reply(started.error().message()));
  if (request.session.owned) {
    owned_[client].push_back(started->id);
    control_->keep(client, true);
  }
  control_->reply(client, line_of({{"ok", true}, {"id", started->id}, {"warnings", started->warnings}}));
}

void Daemon::handle(ClientId client, const StopRequest& request) {
  if (request.id == continuous_) {
    return control_->reply(client, error_reply("that is the continuous session; end it by SIGTERM"));
  }
  const auto ended = last_results_.find(request.id);
  if (ended != last_results_.end()) return control_->reply(client, reply_of(ended->second));
  if (const auto stopped = engine_->stop_session(request.id); !stopped) {
    return control_->reply(client, error_reply(stopped.error().message()));
  }
  waiters_.push_back({.client = client, .session = request.id, .last = true});
}

Result<Daemon::Started> Daemon::start_session(const SessionRequest& request) {
  const std::string name = request.name.empty() ? fmt::format("session-{}", ++started_sessions_) : request.name;
  FileOptions files{
      .directory =
          request.output_dir.empty() ? fmt::format("{}/{}", options_.output_directory, name) : request.output_dir,
      .formats = formats_of(request.flamegraph.value_or(options_.flamegraph), request.pprof.value_or(options_.pprof)),
      .rotating = options_.rotating,
      .style = std::nullopt};
  if (request.columns) files.style = output::TerminalStyle{.columns = *request.columns, .colour = request.colour};
  GP_TRY(output::prepare_directory(files.directory));
  GP_ASSIGN(std::vector<int32_t> pids, living_processes(request.pids));
  managed::Collectors tools = managed::make_collectors(request.tools.value_or(options_.tools), *launcher_);
  for (const std::string& line : tools.absent) spdlog::warn("session {}: {}", name, line);
  GP_ASSIGN(const session::SessionId id,
            engine_->start_session({.name = name,
                                    .frequency_hz = request.frequency_hz.value_or(options_.frequency_hz),
                                    .filter = {.pids = std::move(pids), .children = request.children},
                                    .window = seconds(request.window_seconds.value_or(0)),
                                    .windows = request.windows,
                                    .inlines = request.inlines,
                                    .python_versions = request.python_versions.value_or(options_.python_versions),
                                    .sink = std::make_shared<SessionFiles>(std::move(files), results_, held_),
                                    .collectors = std::move(tools.collectors)}));
  return Started{.id = id, .warnings = std::move(tools.absent)};
}

}  // namespace gp::app
