#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>

#include "app/doctor.h"
#include "app/run.h"

namespace gp::app {
namespace {

void set_up_logging(bool verbose) {
  const auto logger = std::make_shared<spdlog::logger>("gprofiler", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("gprofiler: %l: %v");
  logger->set_level(verbose ? spdlog::level::debug : spdlog::level::warn);
  spdlog::set_default_logger(logger);
}

int exit_code_of(const Error& error) { return error.code() == ErrorCode::kUsage ? 2 : 1; }

// One invocation each.
Result<int> invoke(const ProfileOptions& options, const StartRecording& start) {
  set_up_logging(options.verbose);
  return run_profile(options, start);
}

Result<int> invoke(const DoctorOptions& options, const StartRecording& start) {
  set_up_logging(options.verbose);
  return run_doctor(options, start);
}

Result<int> invoke(const ShowText& show, const StartRecording& /*start*/) {
  std::fputs(show.text.c_str(), stdout);
  return 0;
}

Result<int> run(std::span<const std::string> arguments, const StartRecording& start) {
  GP_ASSIGN(const Invocation invocation, parse_arguments(arguments));
  return std::visit([&](const auto& options) { return invoke(options, start); }, invocation);
}

}  // namespace

int run_application(std::span<const std::string> arguments, const StartRecording& start) {
  // A reader of our output who leaves early must not end a profile before its files are written.
  ::signal(SIGPIPE, SIG_IGN);
  const auto exit_code = run(arguments, start);
  if (exit_code) return *exit_code;
  std::fprintf(stderr, "gprofiler: %s\n", exit_code.error().message().c_str());
  return exit_code_of(exit_code.error());
}

}  // namespace gp::app
