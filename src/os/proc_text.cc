#include "os/proc_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

namespace gp::os {
namespace {

constexpr size_t kMaxNamespaceLevels = 33;  // MAX_PID_NS_LEVEL (32) + the initial one, include/linux/pid_namespace.h
constexpr int kMaxCpu = 65535;

template <class T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// Takes the next word (separated by spaces, tabs or newlines) off the front of `text`; empty at the end.
std::string_view next_word(std::string_view& text) {
  const size_t from = std::min(text.find_first_not_of(" \t\n"), text.size());
  text.remove_prefix(from);
  const size_t length = std::min(text.find_first_of(" \t\n"), text.size());
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

template <class T>
bool next_number(std::string_view& text, T& value) {
  const auto number = parse_number<T>(next_word(text));
  if (number) value = *number;
  return number.has_value();
}

void skip_words(std::string_view& text, int count) {
  for (int i = 0; i < count; ++i) next_word(text);
}

// Status escapes newline as "\n" and backslash as "\\" (fs/proc/array.c, proc_task_name).
std::string unescape_status_name(std::string_view text) {
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      name += text[i];
    } else {
      ++i;
      name += text[i] == 'n' ? '\n' : text[i];
    }
  }
  return name;
}

bool parse_status_value(std::string_view key, std::string_view value, ProcStatus& status) {
  if (key == "Name") {
    value.remove_prefix(std::min<size_t>(value.find_first_not_of('\t'), value.size()));
    status.name = unescape_status_name(value);
    return true;
  }
  if (key == "Tgid") return next_number(value, status.tgid);
  if (key == "PPid") return next_number(value, status.ppid);
  if (key == "Threads") return next_number(value, status.threads);
  if (key == "Uid") return next_number(value, status.real_uid) && next_number(value, status.effective_uid);
  if (key == "Gid") return next_number(value, status.real_gid) && next_number(value, status.effective_gid);
  if (key == "NSpid") {
    for (int32_t pid = 0; status.namespace_pids.size() < kMaxNamespaceLevels && next_number(value, pid);) {
      status.namespace_pids.push_back(pid);
    }
    return !status.namespace_pids.empty();
  }
  if (key == "CapEff") {
    const auto capabilities = parse_number<uint64_t>(next_word(value), 16);
    status.effective_capabilities = capabilities.value_or(0);
    return capabilities.has_value();
  }
  return true;
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

std::optional<uint64_t> parse_decimal(std::string_view text) { return parse_number<uint64_t>(text); }

std::optional<ProcStat> parse_stat(std::string_view text) {
  // The comm is whatever the process likes, ") R 1" included: it ends at the last parenthesis of the line.
  const size_t open = text.find(" (");
  const size_t close = text.rfind(") ");
  if (open == std::string_view::npos || close == std::string_view::npos || close < open + 2) return std::nullopt;
  const auto pid = parse_number<int32_t>(text.substr(0, open));
  std::string_view rest = text.substr(close + 1);
  const std::string_view state = next_word(rest);
  ProcStat stat;
  if (!pid || state.size() != 1) return std::nullopt;
  stat.pid = *pid;
  stat.comm = text.substr(open + 2, close - open - 2);
  stat.state = state.front();
  if (!next_number(rest, stat.ppid)) return std::nullopt;
  skip_words(rest, 4);  // pgrp session tty_nr tpgid
  if (!next_number(rest, stat.flags)) return std::nullopt;
  skip_words(rest, 4);  // minflt cminflt majflt cmajflt
  if (!next_number(rest, stat.user_ticks) || !next_number(rest, stat.system_ticks)) return std::nullopt;
  skip_words(rest, 4);  // cutime cstime priority nice
  if (!next_number(rest, stat.threads)) return std::nullopt;
  skip_words(rest, 1);  // itrealvalue
  if (!next_number(rest, stat.start_ticks)) return std::nullopt;
  return stat;
}

std::optional<ProcStatus> parse_status(std::string_view text) {
  ProcStatus status;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    if (!parse_status_value(line.substr(0, colon), line.substr(colon + 1), status)) return std::nullopt;
  }
  if (status.tgid <= 0) return std::nullopt;
  return status;
}

std::string parse_container_id(std::string_view cgroup_text) {
  constexpr size_t kIdLength = 64;
  size_t end = cgroup_text.size();
  while (end > 0) {
    if (!is_hex(cgroup_text[end - 1])) {
      --end;
      continue;
    }
    size_t start = end;
    while (start > 0 && is_hex(cgroup_text[start - 1])) --start;
    if (end - start == kIdLength) return std::string(cgroup_text.substr(start, kIdLength));
    end = start;
  }
  return {};
}

std::optional<std::vector<int>> parse_cpu_list(std::string_view text) {
  while (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  std::vector<int> cpus;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view range = text.substr(0, comma);
    const size_t dash = std::min(range.find('-'), range.size());
    const auto first = parse_number<int>(range.substr(0, dash));
    const auto last = dash == range.size() ? first : parse_number<int>(range.substr(dash + 1));
    if (!first || !last || *first < 0 || *last < *first || *last > kMaxCpu) return std::nullopt;
    if (!cpus.empty() && *first <= cpus.back()) return std::nullopt;  // the kernel's lists ascend
    for (int cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
    if (comma + 1 == text.size()) return std::nullopt;
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return cpus;
}

std::vector<CpuIdle> parse_cpu_idle(std::string_view text) {
  // "cpu0 user nice system idle iowait ...", in ticks of 10 ms (proc_stat(5)); first of all comes a line of their sums.
  constexpr uint64_t kTickNs = 10'000'000;
  constexpr size_t kIdle = 3;
  constexpr size_t kIoWait = 4;
  std::vector<CpuIdle> cpus;
  while (text.starts_with("cpu")) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(3, end - 3);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto cpu = parse_number<int>(line.substr(0, line.find(' ')));
    if (!cpu || *cpu < 0 || *cpu > kMaxCpu) continue;
    uint64_t idle = 0;
    bool whole = false;
    for (size_t field = 0; field <= kIoWait; ++field) {
      const size_t space = line.find(' ');
      if (space == std::string_view::npos) break;
      line.remove_prefix(space + 1);
      const auto ticks = parse_number<uint64_t>(line.substr(0, line.find(' ')));
      if (!ticks || *ticks > UINT64_MAX / kTickNs / 2) break;
      if (field >= kIdle) idle += *ticks * kTickNs;
      whole = field == kIoWait;
    }
    if (whole) cpus.push_back({.cpu = *cpu, .ns = idle});
  }
  return cpus;
}

bool KernelRelease::at_least(uint32_t wanted_major, uint32_t wanted_minor, uint32_t wanted_patch) const {
  return std::tie(major, minor, patch) >= std::tie(wanted_major, wanted_minor, wanted_patch);
}

std::optional<KernelRelease> parse_kernel_release(std::string_view text) {
  std::array<uint32_t, 3> parts{};
  size_t count = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (count < parts.size()) {
    const auto [next, error] = std::from_chars(at, end, parts[count]);
    if (error != std::errc()) break;
    ++count;
    at = next;
    // A dot only counts as a separator when a digit follows: "6.1.fc40" ends after 6.1.
    if (count == parts.size() || end - at < 2 || *at != '.' || at[1] < '0' || at[1] > '9') break;
    ++at;
  }
  if (count < 2) return std::nullopt;
  return KernelRelease{parts[0], parts[1], parts[2], std::string(at, end)};
}

}  // namespace gp::os
