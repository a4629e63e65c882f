// What the agent took, once an hour, kept for eight weeks in a file of tab-separated lines, and the trend in it: a leak
// of a megabyte a day shows here, and nowhere else. Owner thread: control. Units: bytes, seconds since 1970.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "session/governor/self_report.h"

namespace gp::session {

inline constexpr size_t kHistoryRows = size_t{24} * 7 * 8;

struct HistoryRow {
  int64_t time_unix_s = 0;
  uint64_t uptime_s = 0;
  uint64_t memory_bytes = 0;
  uint64_t fds = 0;
  uint64_t pipes = 0;
  uint64_t threads = 0;
  uint64_t children = 0;
  uint64_t steps = 0;  // of the governor since start
  bool operator==(const HistoryRow&) const = default;
};
HistoryRow history_row(const SelfReport& report);

// Of a file that may be cut or damaged anywhere: lines that do not parse are left out, the newest kHistoryRows kept.
std::vector<HistoryRow> parse_history(std::string_view text);
std::string history_file_text(const std::vector<HistoryRow>& rows);

class SelfHistory {
 public:
  // `path` is self.tsv in the state directory; the directory is made when missing.
  explicit SelfHistory(std::string path) : path_(std::move(path)) {}

  // Whether an hour of uptime has passed since the last row; the first is due after an hour.
  [[nodiscard]] bool due(uint64_t uptime_s) const { return uptime_s >= last_uptime_s_ + 3600; }
  // The file is replaced as a whole, so that it is never half of one. What cannot be written is lost; the next row is due
  // an hour later all the same.
  Result<void> add(const HistoryRow& row);
  // Missing: no rows.
  static Result<std::vector<HistoryRow>> read(const std::string& path);

 private:
  std::string path_;
  uint64_t last_uptime_s_ = 0;
};

// For people: a line a day (UTC), then what it comes to per hour and per day within the longest run without a restart.
std::string history_text(const std::vector<HistoryRow>& rows);

}  // namespace gp::session
