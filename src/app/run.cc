#include "app/run.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "app/control_client.h"
#include "app/daemon.h"
#include "app/preflight.h"
#include "app/progress.h"
#include "app/tool_recording.h"
#include "os/command.h"
#include "os/event_fd.h"
#include "os/procfs.h"
#include "output/output.h"
#include "output/terminal.h"

namespace gp::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

void tell(const std::string& text) { std::fprintf(stderr, "gprofiler: %s\n", text.c_str()); }

Result<std::optional<os::Command>> prepare_command(const ProfileOptions& options) {
  if (options.command.empty()) return std::nullopt;
  std::optional<os::InvokingUser> user;
  GP_ASSIGN(const os::CapabilitySet own, os::effective_capabilities());
  if (!options.as_root && own.has(CAP_SETUID)) {
    GP_ASSIGN(user, os::invoking_user());
  }
  GP_ASSIGN(os::Command command, os::Command::prepare(options.command, user));
  return std::optional<os::Command>(std::move(command));
}

// A profile that is being taken, until its files are written.
class Run {
 public:
  Run() = default;
  Run(const Run&) = delete;
  Run(Run&&) = delete;
  Run& operator=(const Run&) = delete;
  Run& operator=(Run&&) = delete;
  virtual ~Run() = default;
  virtual uint64_t samples_taken() = 0;
  // As in Recording.
  [[nodiscard]] virtual int fd() const { return -1; }
  // An error: there will be no profile.
  virtual Result<void> serve() { return {}; }
  virtual Result<void> write() = 0;  // ends it
};

// What ends a profile, and the signals that may.
class Waiter {
 public:
  Waiter(os::SignalFd& signals, const os::Command* command, Run& run)
      : signals_(signals), command_(command), run_(run) {}

  // Until the duration has passed, the command has ended or a signal came; `each_second` is called meanwhile.
  Result<void> wait(std::optional<milliseconds> duration, const std::function<void(seconds left)>& each_second) {
    os::UniqueFd deadline;
    if (duration) {
      GP_ASSIGN(deadline, os::make_timerfd(*duration, seconds(0)));
    }
    GP_ASSIGN(const os::UniqueFd tick, os::make_timerfd(seconds(1), seconds(1)));
    const auto end = steady_clock::now() + duration.value_or(milliseconds(0));
    for (;;) {
      each_second(std::chrono::round<seconds>(end - steady_clock::now()));
      std::array<pollfd, 5> fds{pollfd{signals_.fd(), POLLIN, 0}, pollfd{deadline.get(), POLLIN, 0},
                                pollfd{command_ ? command_->pidfd() : -1, POLLIN, 0}, pollfd{tick.get(), POLLIN, 0},
                                pollfd{run_.fd(), POLLIN, 0}};
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("poll");
      os::take_expirations(tick.get());
      if (fds[4].revents != 0) GP_TRY(run_.serve());
      if (take_signals() || fds[1].revents != 0 || fds[2].revents != 0) return {};
    }
  }

  // Until the command has ended.
  Result<int> wait_for_command(os::Command& command) {
    for (;;) {
      std::array<pollfd, 2> fds{pollfd{signals_.fd(), POLLIN, 0}, pollfd{command.pidfd(), POLLIN, 0}};
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("poll");
      take_signals();
      if (fds[1].revents == 0) continue;
      GP_ASSIGN(const os::CommandEnd end, command.wait());
      return end.exit_code;
    }
  }

 private:
  bool take_signals() {
    bool any = false;
    while (const auto signal = signals_.next()) {
      any = true;
      if (*signal == SIGTERM && command_ != nullptr) command_->signal(SIGTERM);
    }
    return any;
  }

  os::SignalFd& signals_;
  const os::Command* command_;
  Run& run_;
};

// To standard output, or beside a command, whose output that is, to standard error.
void show(const profile::Profile& profile, const output::WrittenFiles& written, bool beside_command) {
  FILE* const stream = beside_command ? stderr : stdout;
  std::string text;
  output::write_summary(profile, output::terminal_style(::fileno(stream)), text);
  text += '\n';
  for (const output::WrittenFile& file : written.files) text += fmt::format("wrote {}\n", file.path);
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

// By ourselves.
class OwnRun final : public Run {
 public:
  OwnRun(std::unique_ptr<Recording> recording, const ProfileOptions& options)
      : recording_(std::move(recording)), options_(options) {}
  uint64_t samples_taken() override { return recording_->samples_taken(); }
  [[nodiscard]] int fd() const override { return recording_->fd(); }
  Result<void> serve() override {
    recording_->serve();
    return {};
  }
  Result<void> write() override {
    GP_ASSIGN(profile::Profile profile, recording_->finish());
    profile.agent_version = kVersion;
    GP_ASSIGN(const output::WrittenFiles written,
              output::write_files(options_.output_directory, profile, formats_of(options_.flamegraph, options_.pprof),
                                  options_.rotating ? output::Retention::kNewest : output::Retention::kAll));
    show(profile, written, !options_.command.empty());
    return {};
  }

 private:
  std::unique_ptr<Recording> recording_;
  const ProfileOptions& options_;
};

// By the gprofiler in the background, as a session that ends with us.
class BackgroundRun final : public Run {
 public:
  BackgroundRun(ControlClient client, uint32_t id, FILE* stream)
      : client_(std::move(client)), id_(id), stream_(stream) {}
  uint64_t samples_taken() override {
    const auto reply = client_.ask({{"command", "list"}});
    if (!reply) return 0;
    for (const auto& session : (*reply)["sessions"]) {
      if (session.value("id", 0U) == id_) return session.value("samples", uint64_t{0});
    }
    return 0;
  }
  // Readable between questions: the other side has gone.
  [[nodiscard]] int fd() const override { return client_.fd(); }
  Result<void> serve() override {
    return fail(ErrorCode::kSystem,
                "the gprofiler in the background, which sampled for us, has ended; there is no profile");
  }
  Result<void> write() override {
    GP_ASSIGN(const nlohmann::json reply, client_.ask({{"command", "stop"}, {"id", id_}}));
    std::fputs(reply_text(reply).c_str(), stream_);
    std::fflush(stream_);
    return {};
  }

 private:
  ControlClient client_;
  uint32_t id_;
  FILE* stream_;
};

int tell_exec_failure(const std::string& name, const Error& error) {
  const int code = os::exec_failure_exit_code(error);
  tell(code == 127 ? fmt::format("{}: command not found; check its name and PATH", name)
                   : fmt::format("{}; check its permissions", error.message()));
  return code;
}

RecordRequest request_of(const ProfileOptions& options, std::vector<int32_t> pids, const os::Command* command) {
  RecordRequest request{.frequency_hz = options.frequency_hz,
                        .pids = std::move(pids),
                        .children = options.children,
                        .inlines = options.inlines,
                        .duration = options.command.empty() ? options.duration : std::nullopt,
                        .python_versions = options.python_versions};
  if (command != nullptr) {
    request.pids = {command->pid()};
    request.children = true;
    request.any_runtime = true;
  }
  return request;
}

Result<std::unique_ptr<Run>> start_in_background(ControlClient client, const ProfileOptions& options,
                                                 const RecordRequest& wanted) {
  FILE* const stream = options.command.empty() ? stdout : stderr;
  const output::TerminalStyle style = output::terminal_style(::fileno(stream));
  if (options.tools.any() && !wanted.duration) tell(std::string(kToolsNeedDuration));
  nlohmann::json request{{"command", "start"},
                         {"name", "run"},
                         {"frequency", wanted.frequency_hz},
                         {"pids", wanted.pids},
                         {"children", wanted.children},
                         {"inlines", wanted.inlines},
                         {"python_versions", wanted.python_versions},
                         {"flamegraph", options.flamegraph},
                         {"pprof", options.pprof},
                         {"output_dir", std::filesystem::absolute(options.output_directory).string()},
                         {"columns", std::clamp<size_t>(style.columns, 20, 1000)},
                         {"colour", style.colour},
                         {"tools", managed::words_of(options.tools)},
                         {"owned", true}};
  if (wanted.duration) {  // known beforehand, as external profilers need it
    request["seconds"] = std::chrono::ceil<seconds>(*wanted.duration).count();
    request["windows"] = 1;
  }
  GP_ASSIGN(const nlohmann::json reply, client.ask(request));
  for (const auto& warning : reply.value("warnings", std::vector<std::string>())) tell("warning: " + warning);
  return std::make_unique<BackgroundRun>(std::move(client), reply.value("id", 0U), stream);
}

// Who samples for us.
struct Source {
  std::optional<ControlClient> background;  // one sampler is enough for a host: ours is a session of it
  std::optional<managed::PerfMode> perf;    // the kernel refuses us, not perf
};

// What is refused is told before anything is made.
Result<Source> choose_source(const ProfileOptions& options) {
  Source source;
  if (auto background = ControlClient::connect(options.control_socket)) {
    source.background.emplace(std::move(*background));
    return source;
  }
  const auto allowed = check_host(options.force);
  if (!allowed && !options.tools.perf) return std::unexpected(allowed.error());
  if (!allowed) {
    tell(fmt::format("warning: {}; sampling with perf instead", allowed.error().message()));
    source.perf = options.tools.perf;
  }
  return source;
}

Result<std::unique_ptr<Run>> start_run(const ProfileOptions& options, Source source, const RecordRequest& wanted,
                                       const StartRecording& start) {
  if (source.background) return start_in_background(std::move(*source.background), options, wanted);
  GP_ASSIGN(auto recording,
            source.perf ? start_perf(*source.perf, wanted) : start_with_tools(options.tools, wanted, start, tell));
  return std::make_unique<OwnRun>(std::move(recording), options);
}

}  // namespace

Result<void> check_host(bool force) {
  const std::vector<Check> checks = assess_host(gather_host_facts(), force);
  GP_TRY(first_failure(checks));
  for (const Check& check : checks) {
    if (check.state == CheckState::kWarn) {
      tell(fmt::format("warning: {}: {}; {}", check.name, check.finding, check.remedy));
    }
  }
  return {};
}

Result<std::vector<int32_t>> living_processes(const std::vector<int32_t>& pids) {
  std::vector<int32_t> living;
  std::string dead;
  for (const int32_t pid : pids) {
    const auto status = os::read_status(pid);
    if (!status) {
      dead += fmt::format("{}{}", dead.empty() ? "" : ", ", pid);
    } else if (status->tgid != pid) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("-p {}: a thread of process {}; give -p {}", pid, status->tgid, status->tgid));
    } else {
      living.push_back(pid);
    }
  }
  if (!pids.empty() && living.empty()) {
    return fail(ErrorCode::kNotFound, fmt::format("-p {}: no such process; look with ps -e", dead));
  }
  if (!dead.empty()) tell(fmt::format("warning: no such process: {}; profiling the others", dead));
  return living;
}

Result<int> run_profile(const ProfileOptions& options, const StartRecording& start) {
  // Before the first thread, so that all of them leave these signals to the descriptor. A shell's background jobs ignore
  // SIGINT, which a script may send all the same; who ignores SIGHUP (nohup) means it.
  std::vector<int> ends{SIGINT, SIGTERM};
  if (!os::signal_ignored(SIGHUP)) ends.push_back(SIGHUP);
  GP_ASSIGN(std::optional<os::SignalFd> signals, os::SignalFd::make(ends));
  GP_ASSIGN(Source source, choose_source(options));
  GP_ASSIGN(std::vector<int32_t> pids, living_processes(options.pids));
  GP_TRY(output::prepare_directory(options.output_directory));
  GP_ASSIGN(std::optional<os::Command> command, prepare_command(options));
  os::Command* const child = command ? &*command : nullptr;
  GP_ASSIGN(const std::unique_ptr<Run> running,
            start_run(options, std::move(source), request_of(options, std::move(pids), child), start));
  if (child != nullptr) {
    // Told to end before the command has begun: then it does not begin. As a shell says of what a signal ended.
    if (const auto signal = signals->next()) return 128 + *signal;
    if (const auto started = child->start(); !started)
      return tell_exec_failure(options.command.front(), started.error());
  }
  Waiter waiter(*signals, child, *running);
  Progress progress(child == nullptr);
  const auto waited = waiter.wait(options.duration, [&](seconds left) {
    if (progress.shown()) progress.update(left, running->samples_taken());
  });
  progress.clear();
  if (child == nullptr) {
    GP_TRY(waited);
    signals.reset();  // a second Ctrl-C while files are written ends the program
    GP_TRY(running->write());
    return 0;
  }
  const auto written = waited ? running->write() : waited;
  if (!written) tell(written.error().message());  // now: the command may run for hours
  GP_ASSIGN(const int exit_code, waiter.wait_for_command(*child));
  return written ? exit_code : 1;
}

}  // namespace gp::app
