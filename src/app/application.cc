#include "app/application.h"

#include <malloc.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>

#include "app/control_client.h"
#include "app/doctor.h"
#include "app/run.h"

namespace gp::app {
namespace {

constexpr int kMappedBlock = 256 << 10;

// What goes to standard error is what people are to see; a log file has everything.
void set_up_logging(bool verbose, const std::optional<LogFileOptions>& file,
                    spdlog::level::level_enum usual = spdlog::level::warn) {
  const auto terminal = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  terminal->set_pattern("gprofiler: %l: %v");
  terminal->set_level(verbose ? spdlog::level::debug : usual);
  const auto logger = std::make_shared<spdlog::logger>("gprofiler", terminal);
  logger->set_level(terminal->level());
  spdlog::set_default_logger(logger);
  if (!file) return;
  auto opened = LogFile::open(*file);
  if (!opened) return spdlog::warn("--log-file: {}; logging to standard error only", opened.error().message());
  logger->sinks().push_back(std::move(*opened));
  logger->set_level(spdlog::level::debug);
}

Result<int> show_history(const HistoryOptions& options) {
  GP_ASSIGN(const auto rows, session::SelfHistory::read(history_path(options.state_directory)));
  std::fputs(session::history_text(rows).c_str(), stdout);
  return 0;
}

int exit_code_of(const Error& error) { return error.code() == ErrorCode::kUsage ? 2 : 1; }

// What ps and pgrep -f show: operators look for "gprofiler.*main".
std::string title_of(std::span<const std::string> arguments) {
  std::string title = "gprofiler: main";
  for (const std::string& argument : arguments) title += ' ' + argument;
  return title;
}

Result<int> run_daemon(const ProfileOptions& options, std::span<const std::string> arguments, const Program& program) {
  set_up_logging(options.verbose, options.log_file, spdlog::level::info);
  program.set_title(title_of(arguments));
  GP_TRY(check_host(options.force));
  GP_TRY(output::prepare_directory(options.output_directory));
  const std::vector<std::string> words(arguments.begin(), arguments.end());
  const auto read_again = [words]() -> Result<ProfileOptions> {
    GP_ASSIGN(Invocation invocation, parse_arguments(words, real_surroundings()));
    return std::get<ProfileOptions>(std::move(invocation));
  };
  GP_ASSIGN(const auto daemon, Daemon::start(options, read_again, program.start_engine));
  GP_TRY(daemon->run());
  return 0;
}

Result<int> run(std::span<const std::string> arguments, const Program& program) {
  GP_ASSIGN(const Invocation invocation, parse_arguments(arguments, real_surroundings()));
  if (const auto* profile = std::get_if<ProfileOptions>(&invocation)) {
    if (profile->continuous) return run_daemon(*profile, arguments, program);
    set_up_logging(profile->verbose, profile->log_file);
    return run_profile(*profile, program.start_recording);
  }
  if (const auto* doctor = std::get_if<DoctorOptions>(&invocation)) {
    set_up_logging(doctor->verbose, std::nullopt);
    return run_doctor(*doctor, program.start_recording);
  }
  if (const auto* request = std::get_if<DumpRequest>(&invocation)) {
    set_up_logging(request->verbose, std::nullopt);
    return run_dump(*request, program.dump_threads);
  }
  if (const auto* control = std::get_if<ControlOptions>(&invocation)) return run_control(*control);
  if (const auto* history = std::get_if<HistoryOptions>(&invocation)) return show_history(*history);
  std::fputs(std::get<ShowText>(invocation).text.c_str(), stdout);
  return 0;
}

}  // namespace

int run_application(std::span<const std::string> arguments, const Program& program) {
  // Tables that grow with a window are to go back to the system with it. By itself the GNU allocator keeps larger and
  // larger ones (up to 32 MiB) in its heaps, where what stays between them holds on to the whole (mallopt(3)).
  ::mallopt(M_MMAP_THRESHOLD, kMappedBlock);
  // A reader of our output who leaves early must not end a profile before its files are written.
  ::signal(SIGPIPE, SIG_IGN);
  const auto exit_code = run(arguments, program);
  if (exit_code) return *exit_code;
  std::fprintf(stderr, "gprofiler: %s\n", exit_code.error().message().c_str());
  return exit_code_of(exit_code.error());
}

}  // namespace gp::app
