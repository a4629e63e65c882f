#include "app/application.h"

#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>

#include "app/control_client.h"
#include "app/doctor.h"
#include "app/run.h"

namespace gp::app {
namespace {

void set_up_logging(bool verbose, spdlog::level::level_enum usual = spdlog::level::warn) {
  const auto logger = std::make_shared<spdlog::logger>("gprofiler", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("gprofiler: %l: %v");
  logger->set_level(verbose ? spdlog::level::debug : usual);
  spdlog::set_default_logger(logger);
}

int exit_code_of(const Error& error) { return error.code() == ErrorCode::kUsage ? 2 : 1; }

// What ps and pgrep -f show: operators look for "gprofiler.*main".
std::string title_of(std::span<const std::string> arguments) {
  std::string title = "gprofiler: main";
  for (const std::string& argument : arguments) title += ' ' + argument;
  return title;
}

Result<int> run_daemon(const ProfileOptions& options, std::span<const std::string> arguments, const Program& program) {
  set_up_logging(options.verbose, spdlog::level::info);
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
    set_up_logging(profile->verbose);
    return run_profile(*profile, program.start_recording);
  }
  if (const auto* doctor = std::get_if<DoctorOptions>(&invocation)) {
    set_up_logging(doctor->verbose);
    return run_doctor(*doctor, program.start_recording);
  }
  if (const auto* control = std::get_if<ControlOptions>(&invocation)) return run_control(*control);
  std::fputs(std::get<ShowText>(invocation).text.c_str(), stdout);
  return 0;
}

}  // namespace

int run_application(std::span<const std::string> arguments, const Program& program) {
  // A reader of our output who leaves early must not end a profile before its files are written.
  ::signal(SIGPIPE, SIG_IGN);
  const auto exit_code = run(arguments, program);
  if (exit_code) return *exit_code;
  std::fprintf(stderr, "gprofiler: %s\n", exit_code.error().message().c_str());
  return exit_code_of(exit_code.error());
}

}  // namespace gp::app
