#include "session/governor/self_history.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <numeric>
#include <optional>
#include <span>

#include "os/proc_text.h"
#include "os/unique_fd.h"
#include "session/governor/growth.h"

namespace gp::session {
namespace {

constexpr double kHour = 3600;
constexpr size_t kMaxFileBytes = 1U << 20U;  // a row has at most some 120 bytes
constexpr std::string_view kHeader = "time\tuptime\tmemory\tfds\tpipes\tthreads\tchildren\tsteps\n";
constexpr size_t kColumns = 8;

std::optional<HistoryRow> parse_row(std::string_view line) {
  std::array<uint64_t, kColumns> values{};
  for (size_t i = 0; i < kColumns; ++i) {
    const size_t end = line.find('\t');
    if ((end == std::string_view::npos) != (i + 1 == kColumns)) return std::nullopt;
    const auto value = os::parse_decimal(line.substr(0, end));
    if (!value || *value > uint64_t{INT64_MAX}) return std::nullopt;
    values[i] = *value;
    line.remove_prefix(std::min(end, line.size() - 1) + 1);
  }
  return HistoryRow{.time_unix_s = static_cast<int64_t>(values[0]),
                    .uptime_s = values[1],
                    .memory_bytes = values[2],
                    .fds = values[3],
                    .pipes = values[4],
                    .threads = values[5],
                    .children = values[6],
                    .steps = values[7]};
}

std::string day_text(int64_t time_unix_s) {
  std::tm parts{};
  const time_t time = time_unix_s;
  if (::gmtime_r(&time, &parts) == nullptr) return "?";
  std::array<char, 16> text{};
  const size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
  return {text.data(), length};
}

template <class Field>
double slope_per_hour(std::span<const HistoryRow> rows, Field field) {
  std::vector<double> hours;
  std::vector<double> values;
  for (const HistoryRow& row : rows) {
    hours.push_back(static_cast<double>(row.time_unix_s - rows.front().time_unix_s) / kHour);
    values.push_back(static_cast<double>(row.*field));
  }
  return slope(hours.data(), values.data(), hours.size());
}

std::string day_line(std::span<const HistoryRow> day) {
  const auto [least, most] = std::ranges::minmax(day, {}, &HistoryRow::memory_bytes);
  const auto fds = std::ranges::max(day, {}, &HistoryRow::fds);
  const auto pipes = std::ranges::max(day, {}, &HistoryRow::pipes);
  const auto children = std::ranges::max(day, {}, &HistoryRow::children);
  return fmt::format("{}  {:>10} {:>10} {:>6} {:>6} {:>9}\n", day_text(day.front().time_unix_s),
                     megabytes(least.memory_bytes), megabytes(most.memory_bytes), fds.fds, pipes.pipes,
                     children.children);
}

// Rows of one life of the agent: its uptime goes up from row to row.
std::span<const HistoryRow> longest_run(std::span<const HistoryRow> rows) {
  std::span<const HistoryRow> longest;
  size_t begin = 0;
  for (size_t i = 1; i <= rows.size(); ++i) {
    if (i < rows.size() && rows[i].uptime_s > rows[i - 1].uptime_s) continue;
    if (i - begin >= longest.size()) longest = rows.subspan(begin, i - begin);
    begin = i;
  }
  return longest;
}

Result<void> replace_file(const std::string& path, std::string_view text) {
  const size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) ::mkdir(path.substr(0, slash).c_str(), 0755);
  const std::string temporary = path + ".new";
  {
    GP_ASSIGN(const os::UniqueFd fd, os::open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644));
    if (auto written = os::write_all(fd.get(), text, temporary); !written) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
  const int saved_errno = errno;
  ::unlink(temporary.c_str());
  return fail_errno("replace " + path, saved_errno);
}

}  // namespace

HistoryRow history_row(const SelfReport& report) {
  return {.time_unix_s = report.time_unix_s,
          .uptime_s = report.uptime_s,
          .memory_bytes = report.memory_bytes(),
          .fds = report.fds.total(),
          .pipes = report.fds.by_kind[static_cast<size_t>(os::FdKind::kPipe)],
          .threads = report.resident.threads,
          .children = report.children ? report.children->running + report.children->zombies : 0,
          .steps = std::accumulate(report.steps.begin(), report.steps.end(), uint64_t{0})};
}

std::vector<HistoryRow> parse_history(std::string_view text) {
  std::vector<HistoryRow> rows;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (const auto row = parse_row(text.substr(0, end))) rows.push_back(*row);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (rows.size() > kHistoryRows) rows.erase(rows.begin(), rows.end() - kHistoryRows);
  return rows;
}

std::string history_file_text(const std::vector<HistoryRow>& rows) {
  std::string text(kHeader);
  for (const HistoryRow& row : rows) {
    text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", row.time_unix_s, row.uptime_s, row.memory_bytes, row.fds,
                        row.pipes, row.threads, row.children, row.steps);
  }
  return text;
}

Result<std::vector<HistoryRow>> SelfHistory::read(const std::string& path) {
  const auto text = os::read_file(path, kMaxFileBytes);
  if (text) return parse_history(*text);
  if (text.error().code() == ErrorCode::kNotFound) return std::vector<HistoryRow>();
  return std::unexpected(text.error());
}

Result<void> SelfHistory::add(const HistoryRow& row) {
  last_uptime_s_ = row.uptime_s;
  auto rows = read(path_);
  // What is there cannot be read, or is no history any more: begin anew rather than never again.
  if (!rows) rows = std::vector<HistoryRow>();
  rows->push_back(row);
  if (rows->size() > kHistoryRows) rows->erase(rows->begin());
  return replace_file(path_, history_file_text(*rows));
}

std::string history_text(const std::vector<HistoryRow>& rows) {
  if (rows.empty()) return "no history yet: a line is kept each hour that the agent runs\n";
  std::string text = fmt::format("{:<10}  {:>10} {:>10} {:>6} {:>6} {:>9}\n", "day (UTC)", "memory min", "max", "fds",
                                 "pipes", "children");
  for (size_t begin = 0; begin < rows.size();) {
    size_t end = begin + 1;
    const std::string day = day_text(rows[begin].time_unix_s);
    while (end < rows.size() && day_text(rows[end].time_unix_s) == day) ++end;
    text += day_line(std::span(rows).subspan(begin, end - begin));
    begin = end;
  }
  const auto run = longest_run(rows);
  if (run.size() < 2) return text + "growth: two hours of one run are needed\n";
  const double memory = slope_per_hour(run, &HistoryRow::memory_bytes) / 1048576.0;
  const double fds = slope_per_hour(run, &HistoryRow::fds);
  return text + fmt::format(
                    "growth over {:.1f} days without a restart: memory {:+.3f}MB an hour, {:+.2f}MB a day; "
                    "descriptors {:+.3f} an hour, {:+.2f} a day\n",
                    static_cast<double>(run.back().uptime_s - run.front().uptime_s) / 86400.0, memory, memory * 24, fds,
                    fds * 24);
}

}  // namespace gp::session
