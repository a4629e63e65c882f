#include "app/upkeep_options.h"

#include <array>
#include <utility>

#include "app/words.h"
#include "os/proc_text.h"

namespace gp::app {
namespace {

constexpr uint64_t kMostThresholdMb = uint64_t{1} << 24U;
constexpr uint64_t kMostLogBytes = uint64_t{1} << 40U;
constexpr uint64_t kMostBackups = 1000;

}  // namespace

std::optional<uint64_t> parse_size(std::string_view text) {
  constexpr std::array<std::pair<char, unsigned>, 4> kUnits{{{'K', 10}, {'M', 20}, {'G', 30}, {'T', 40}}};
  for (const std::string_view ending : {"iB", "B"}) {
    if (text.ends_with(ending)) {
      text.remove_suffix(ending.size());
      break;
    }
  }
  unsigned shift = 0;
  for (const auto& [unit, bits] : kUnits) {
    if (text.empty() || (text.back() != unit && text.back() != unit - 'A' + 'a')) continue;
    shift = bits;
    text.remove_suffix(1);
    break;
  }
  const auto number = os::parse_decimal(text);
  if (!number || *number > UINT64_MAX >> shift) return std::nullopt;
  return *number << shift;
}

void add_upkeep_options(CLI::App& parser, RawUpkeep& raw) {
  parser.add_option("--memory-limit", raw.memory_limit)->take_last();
  parser.add_option("--memory-cleanup-threshold-mb", raw.cleanup_threshold)->take_last();
  parser.add_flag("--enable-memory-management", raw.old_memory_switch);
  parser.add_option("--log-file", raw.log_file)->take_last();
  parser.add_option("--log-rotate-max-size", raw.rotate_size)->take_last();
  parser.add_option("--log-rotate-backup-count", raw.rotate_count)->take_last();
  parser.add_option("--metrics-listen", raw.metrics_listen)->take_last();
  parser.add_option("--metrics-port", raw.metrics_port)->take_last();
  parser.add_option("--state-dir", raw.state_directory)->take_last();
}

Result<UpkeepOptions> read_upkeep(const RawUpkeep& raw) {
  UpkeepOptions options;
  options.state_directory = raw.state_directory.empty() ? kDefaultState : raw.state_directory;
  if (!raw.memory_limit.empty()) {
    options.memory.limit_bytes = parse_size(raw.memory_limit);
    if (!options.memory.limit_bytes) {
      return usage(fmt::format("--memory-limit '{}': give a size such as 256M", raw.memory_limit));
    }
  }
  if (!raw.cleanup_threshold.empty()) {
    GP_ASSIGN(options.memory.threshold_mb,
              number_in(raw.cleanup_threshold, 1, kMostThresholdMb, "--memory-cleanup-threshold-mb"));
  }
  // What is wrong with them whatever the host has is said before anything is done.
  GP_TRY(session::memory_levels(options.memory, {.available = UINT64_MAX, .cgroup_limit = {}}));
  if (!raw.metrics_port.empty() && !raw.metrics_listen.empty()) {
    return usage("give --metrics-listen HOST:PORT or --metrics-port PORT, not both");
  }
  if (!raw.metrics_port.empty()) {
    GP_ASSIGN(const uint64_t port, number_in(raw.metrics_port, 0, UINT16_MAX, "--metrics-port"));
    options.metrics = ListenAddress{.port = static_cast<uint16_t>(port)};
  }
  if (!raw.metrics_listen.empty()) {
    GP_ASSIGN(options.metrics, parse_listen_address(raw.metrics_listen));
  }
  return options;
}

Result<std::optional<LogFileOptions>> read_log_file(const RawUpkeep& raw, bool continuous) {
  LogFileOptions options;
  if (!raw.rotate_size.empty()) {
    GP_ASSIGN(options.max_bytes, number_in(raw.rotate_size, 1, kMostLogBytes, "--log-rotate-max-size"));
  }
  if (!raw.rotate_count.empty()) {
    GP_ASSIGN(const uint64_t count, number_in(raw.rotate_count, 0, kMostBackups, "--log-rotate-backup-count"));
    options.backups = static_cast<uint32_t>(count);
  }
  if (raw.log_file.empty() && !continuous) return std::nullopt;
  if (!raw.log_file.empty()) options.path = raw.log_file;
  return options;
}

}  // namespace gp::app
