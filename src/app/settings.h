// Options given elsewhere than on the command line: an INI file and GPROFILER_* variables, as ConfigArgParse reads
// them for the gProfiler agent. Owner thread: none (values). The file's bytes are foreign: bounded, no code in them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gp::app {

inline constexpr std::string_view kDefaultConfig = "/etc/gprofiler/config.ini";

struct Setting {
  std::string key;    // a long option's name without dashes
  std::string value;  // empty: given without one
};

// "key = value", "key: value" or "key" a line; section headers, comments (# and ;) and empty lines are passed over. A
// value may be quoted; of several lines with one key the last counts. Errors are kUsage and name the line.
Result<std::vector<Setting>> parse_settings(std::string_view text);

// The file's settings. One that is missing has none, unless it was asked for by name.
Result<std::vector<Setting>> read_settings(const std::string& path, bool asked_for);

// "profiling-duration" → "GPROFILER_PROFILING_DURATION".
std::string variable_name(std::string_view option);

// "true", "yes", "on", "1" and their opposites, in any case; nothing: neither.
std::optional<bool> parse_switch(std::string_view value);

// Where options come from besides the command line; tests say something else.
struct Surroundings {
  std::function<std::optional<std::string>(const std::string& name)> variable;
  std::function<Result<std::vector<Setting>>(const std::string& path, bool asked_for)> settings;
};
Surroundings real_surroundings();
Surroundings no_surroundings();

}  // namespace gp::app
