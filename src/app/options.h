// The command line: what may be asked, checked before anything is done. Owner thread: none (values).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/settings.h"
#include "app/upkeep_options.h"
#include "base/result.h"
#include "managed/tool_table.h"

namespace gp::app {

inline constexpr std::string_view kVersion = GP_VERSION;

inline constexpr uint32_t kDefaultFrequencyHz = 11;  // as the gProfiler agent
inline constexpr uint32_t kMaxFrequencyHz = 1000;
inline constexpr std::chrono::seconds kDefaultDuration{60};  // as the gProfiler agent
inline constexpr std::chrono::seconds kMaxDuration{86'400};
inline constexpr uint32_t kDefaultWorkers = 4;
inline constexpr std::chrono::seconds kDefaultProfilerTimeout{30};
inline constexpr std::string_view kDefaultPidFile = "/var/run/gprofiler.pid";  // as the gProfiler agent
inline constexpr std::string_view kDefaultSocket = "/run/gprofiler/control.sock";

// `gprofiler -o DIR …`: one profile, or with -c one after the other.
struct ProfileOptions {
  std::string output_directory;
  uint32_t frequency_hz = kDefaultFrequencyHz;
  std::optional<std::chrono::milliseconds> duration;  // none: until the command ends
  std::vector<int32_t> pids;                          // ascending, none twice; empty: the whole host, or the command
  bool children = false;                              // with pids: what they start, too
  std::vector<std::string> command;                   // empty: none
  bool as_root = false;                               // do not run the command as who called sudo
  bool flamegraph = true;
  bool pprof = false;
  bool inlines = false;
  bool continuous = false;
  bool rotating = false;                  // keep only the newest files
  std::string pid_file;                   // empty: none is written
  std::optional<int32_t> controller_pid;  // end when it does
  uint32_t max_workers = kDefaultWorkers;
  std::chrono::seconds profiler_timeout = kDefaultProfilerTimeout;
  std::string control_socket{kDefaultSocket};
  UpkeepOptions upkeep;                    // with -c
  std::optional<LogFileOptions> log_file;  // none: standard error alone
  managed::ToolChoice tools;               // external profilers
  bool python_versions = true;             // packages and their versions in Python frames
  bool force = false;
  bool verbose = false;

  bool operator==(const ProfileOptions&) const = default;
};

// `gprofiler doctor`.
struct DoctorOptions {
  bool force = false;
  bool verbose = false;
};

// `gprofiler dump PID`.
struct DumpRequest {
  int32_t pid = 0;
  bool inlines = false;
  bool python_versions = true;
  bool json = false;
  bool force = false;
  bool verbose = false;
};

// `gprofiler status`, `snapshot`, `session …`: a request to the gprofiler that runs in the background.
struct ControlOptions {
  std::string control_socket{kDefaultSocket};
  bool json = false;
  std::string request;  // a line of the protocol, see docs/sessions.md
};

// `gprofiler status --history`: what was kept of past hours, whether the agent runs or not.
struct HistoryOptions {
  std::string state_directory;
};

// --help and --version: a text to print, and done.
struct ShowText {
  std::string text;
};

using Invocation = std::variant<ProfileOptions, DoctorOptions, DumpRequest, ControlOptions, HistoryOptions, ShowText>;

// `arguments` without the program's own name. What they leave open, variables and the config file decide, in this order.
// Errors (kUsage) are one line that says what to do.
Result<Invocation> parse_arguments(std::span<const std::string> arguments,
                                   const Surroundings& surroundings = no_surroundings());

std::string_view help_text();

}  // namespace gp::app
