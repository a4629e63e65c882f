// Options of what a long-running agent does for itself: memory, log, metrics, state. Owner thread: none (values).
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "app/log_file.h"
#include "app/upkeep.h"
#include "base/result.h"

namespace gp::app {

inline constexpr std::string_view kDefaultState = "/var/lib/gprofiler";

// As words, before their values are looked at.
struct RawUpkeep {
  std::string memory_limit = {};
  std::string cleanup_threshold = {};
  bool old_memory_switch =
      false;  // of the gProfiler agent, which it told not to clean up. We always do: nothing to read
  std::string log_file = {};
  std::string rotate_size = {};
  std::string rotate_count = {};
  std::string metrics_listen = {};
  std::string metrics_port = {};
  std::string state_directory = {};
};
void add_upkeep_options(CLI::App& parser, RawUpkeep& raw);

Result<UpkeepOptions> read_upkeep(const RawUpkeep& raw);
// Nothing: no log file is asked for, and there is none by default but with -c.
Result<std::optional<LogFileOptions>> read_log_file(const RawUpkeep& raw, bool continuous);

// "256M", "256MiB", "1G", "300000K", or bytes. Units are powers of 1,024.
std::optional<uint64_t> parse_size(std::string_view text);

}  // namespace gp::app
