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

#include "base/result.h"

namespace gp::app {

inline constexpr std::string_view kVersion = GP_VERSION;

inline constexpr uint32_t kDefaultFrequencyHz = 11;  // as the gProfiler agent
inline constexpr uint32_t kMaxFrequencyHz = 1000;
inline constexpr std::chrono::seconds kDefaultDuration{60};  // as the gProfiler agent
inline constexpr std::chrono::seconds kMaxDuration{86'400};

// `gprofiler -o DIR …`: one profile.
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
  bool force = false;
  bool verbose = false;
};

// `gprofiler doctor`.
struct DoctorOptions {
  bool force = false;
  bool verbose = false;
};

// --help and --version: a text to print, and done.
struct ShowText {
  std::string text;
};

using Invocation = std::variant<ProfileOptions, DoctorOptions, ShowText>;

// `arguments` without the program's own name. Errors (kUsage) are one line that says what to do.
Result<Invocation> parse_arguments(std::span<const std::string> arguments);

std::string_view help_text();

}  // namespace gp::app
