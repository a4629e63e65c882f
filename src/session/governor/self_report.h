// What the agent itself takes, by name: the figures that `gprofiler status`, the log and the metrics endpoint show.
// Owner thread: none (values and functions of them). Units: bytes unless the name says otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/account.h"
#include "os/self_usage.h"
#include "session/governor/governor.h"

namespace gp::session {

struct SelfReport {
  std::string version;
  uint64_t uptime_s = 0;
  int64_t time_unix_s = 0;
  os::ResidentMemory resident;
  os::OpenFds fds;
  std::optional<os::Children> children;
  std::vector<AccountBalance> accounts;
  MemoryLevels levels;
  MemoryState state = MemoryState::kNormal;
  std::array<uint64_t, kSteps> steps{};
  std::optional<uint32_t> lowered_rate_hz;
  std::optional<double> memory_growth_per_hour;
  std::optional<double> fd_growth_per_hour;

  // The memory the budget is about: RssAnon + RssShmem + memlock of our BPF maps, each once.
  [[nodiscard]] uint64_t memory_bytes() const { return resident.anonymous + resident.shared + fds.bpf_map_bytes; }
  // Of it what no account holds: code's data, stacks, the allocator's reserve.
  [[nodiscard]] uint64_t unaccounted_bytes() const;
};

// For people, lines of at most 100 columns.
std::string report_text(const SelfReport& report);
nlohmann::json report_json(const SelfReport& report);
// Prometheus text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
std::string report_metrics(const SelfReport& report);

// "812.3MB": 2^20 bytes, as the log lines that operators search for have it.
std::string megabytes(uint64_t bytes);

}  // namespace gp::session
