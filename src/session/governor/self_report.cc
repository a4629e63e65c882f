#include "session/governor/self_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace gp::session {
namespace {

constexpr double kMiB = 1048576.0;

double in_mb(double bytes) { return bytes / kMiB; }

std::string duration_text(uint64_t seconds) {
  const uint64_t days = seconds / 86400;
  return fmt::format("{}{:02}:{:02}:{:02}", days > 0 ? fmt::format("{} d ", days) : "", seconds / 3600 % 24,
                     seconds / 60 % 60, seconds % 60);
}

std::string growth_text(const std::optional<double>& per_hour, double unit, std::string_view name) {
  if (!per_hour) return "not known before 10 minutes";
  return fmt::format("{:+.1f}{} an hour", *per_hour / unit, name);
}

std::string fds_text(const os::OpenFds& fds) {
  std::string text;
  for (size_t i = 0; i < os::kFdKinds; ++i) {
    if (fds.by_kind[i] == 0) continue;
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", fds.by_kind[i], os::fd_kind_name(static_cast<os::FdKind>(i)));
  }
  return text;
}

std::string accounts_text(const SelfReport& report) {
  std::string text;
  const auto line = [&text](std::string_view name, uint64_t bytes, std::string_view remark) {
    text += fmt::format("  {:<24} {:>10}{}\n", name, megabytes(bytes), remark);
  };
  for (const AccountBalance& balance : report.accounts) {
    line(balance.name, balance.bytes, balance.counted == Counted::kApart ? "  kernel's, counted apart" : "");
  }
  line("in no account", report.unaccounted_bytes(), "");
  return text;
}

std::string steps_text(const SelfReport& report) {
  std::string text;
  for (size_t i = 0; i < kSteps; ++i) {
    if (report.steps[i] == 0) continue;
    text += fmt::format("{}{} {}x", text.empty() ? "" : ", ", step_name(static_cast<Step>(i)), report.steps[i]);
  }
  return text.empty() ? "none" : text;
}

// A label value: backslash, quote and newline are escaped.
std::string label(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return escaped;
}

// One metric family after the other.
class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <class Number>
  void value(Number number) {
    text_ += fmt::format("{} {}\n", name_, number);
  }
  template <class Number>
  void value(std::string_view key, std::string_view of, Number number) {
    text_ += fmt::format("{}{{{}=\"{}\"}} {}\n", name_, key, label(of), number);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string_view name_;
  std::string text_;
};

void expose_memory(const SelfReport& report, Exposition& out) {
  out.family("gprofiler_memory_bytes", "gauge", "Memory the budget is about: RssAnon, RssShmem and BPF maps.");
  out.value("part", "anonymous", report.resident.anonymous);
  out.value("part", "shared", report.resident.shared);
  out.value("part", "bpf_maps", report.fds.bpf_map_bytes);
  out.family("gprofiler_file_pages_bytes", "gauge", "Resident pages of mapped files, outside the budget.");
  out.value(report.resident.file);
  out.family("gprofiler_memory_level_bytes", "gauge", "Levels at which the governor acts.");
  out.value("level", "soft", report.levels.soft);
  out.value("level", "hard", report.levels.hard);
  out.value("level", "emergency", report.levels.emergency);
  out.family("gprofiler_memory_state", "gauge", "0 normal, 1 high, 2 critical, 3 emergency.");
  out.value(static_cast<int>(report.state));
  out.family("gprofiler_account_bytes", "gauge", "Bytes held, by account.");
  for (const AccountBalance& balance : report.accounts) out.value("account", balance.name, balance.bytes);
  out.family("gprofiler_governor_steps_total", "counter", "Steps the governor took.");
  for (size_t i = 0; i < kSteps; ++i) out.value("step", step_name(static_cast<Step>(i)), report.steps[i]);
}

void expose_resources(const SelfReport& report, Exposition& out) {
  out.family("gprofiler_open_fds", "gauge", "Open file descriptors, by kind.");
  for (size_t i = 0; i < os::kFdKinds; ++i) {
    out.value("kind", os::fd_kind_name(static_cast<os::FdKind>(i)), report.fds.by_kind[i]);
  }
  out.family("gprofiler_threads", "gauge", "Threads.");
  out.value(report.resident.threads);
  if (report.children) {
    out.family("gprofiler_children", "gauge", "Child processes.");
    out.value("state", "running", report.children->running);
    out.value("state", "zombie", report.children->zombies);
  }
}

}  // namespace

std::string megabytes(uint64_t bytes) { return fmt::format("{:.1f}MB", in_mb(static_cast<double>(bytes))); }

uint64_t SelfReport::unaccounted_bytes() const {
  uint64_t held = 0;
  for (const AccountBalance& balance : accounts) held += balance.counted == Counted::kInside ? balance.bytes : 0;
  return memory_bytes() > held ? memory_bytes() - held : 0;
}

std::string report_text(const SelfReport& report) {
  std::string text = fmt::format(
      "gprofiler {} up {}\nmemory {}: {} private, {} shared, {} BPF maps ({} of mapped files apart)\n", report.version,
      duration_text(report.uptime_s), megabytes(report.memory_bytes()), megabytes(report.resident.anonymous),
      megabytes(report.resident.shared), megabytes(report.fds.bpf_map_bytes), megabytes(report.resident.file));
  text +=
      fmt::format("limit {}, cleanup from {}, emergency at {}; now {}\n", megabytes(report.levels.hard),
                  megabytes(report.levels.soft), megabytes(report.levels.emergency), memory_state_name(report.state));
  text += fmt::format("growth: memory {}, descriptors {}\n", growth_text(report.memory_growth_per_hour, kMiB, "MB"),
                      growth_text(report.fd_growth_per_hour, 1, ""));
  text += accounts_text(report);
  text += fmt::format("descriptors {}: {}\n", report.fds.total(), fds_text(report.fds));
  text += fmt::format("threads {}, ", report.resident.threads);
  text += report.children
              ? fmt::format("children {} running, {} zombies\n", report.children->running, report.children->zombies)
              : "children not told by this kernel\n";
  text += fmt::format("cleanup steps since start: {}\n", steps_text(report));
  if (report.lowered_rate_hz) text += fmt::format("rate lowered to {} Hz\n", *report.lowered_rate_hz);
  return text;
}

nlohmann::json report_json(const SelfReport& report) {
  nlohmann::json accounts = nlohmann::json::object();
  for (const AccountBalance& balance : report.accounts) accounts[std::string(balance.name)] = balance.bytes;
  nlohmann::json fds = nlohmann::json::object();
  for (size_t i = 0; i < os::kFdKinds; ++i) {
    fds[std::string(os::fd_kind_name(static_cast<os::FdKind>(i)))] = report.fds.by_kind[i];
  }
  nlohmann::json steps = nlohmann::json::object();
  for (size_t i = 0; i < kSteps; ++i) steps[std::string(step_name(static_cast<Step>(i)))] = report.steps[i];
  const auto or_null = [](const auto& value) { return value ? nlohmann::json(*value) : nlohmann::json(); };
  return {
      {"version", report.version},
      {"time", report.time_unix_s},
      {"uptime_s", report.uptime_s},
      {"memory",
       {{"bytes", report.memory_bytes()},
        {"anonymous", report.resident.anonymous},
        {"shared", report.resident.shared},
        {"bpf_maps", report.fds.bpf_map_bytes},
        {"file_pages", report.resident.file},
        {"peak_rss", report.resident.peak},
        {"unaccounted", report.unaccounted_bytes()},
        {"growth_per_hour", or_null(report.memory_growth_per_hour)},
        {"state", memory_state_name(report.state)},
        {"soft", report.levels.soft},
        {"hard", report.levels.hard},
        {"emergency", report.levels.emergency}}},
      {"accounts", accounts},
      {"fds",
       {{"total", report.fds.total()}, {"by_kind", fds}, {"growth_per_hour", or_null(report.fd_growth_per_hour)}}},
      {"threads", report.resident.threads},
      {"children", report.children
                       ? nlohmann::json{{"running", report.children->running}, {"zombies", report.children->zombies}}
                       : nlohmann::json()},
      {"governor", {{"steps", steps}, {"lowered_rate_hz", or_null(report.lowered_rate_hz)}}},
  };
}

std::string report_metrics(const SelfReport& report) {
  Exposition out;
  out.family("gprofiler_build_info", "gauge", "The version.");
  out.value("version", report.version, 1);
  out.family("gprofiler_uptime_seconds", "counter", "Seconds since start.");
  out.value(report.uptime_s);
  expose_memory(report, out);
  expose_resources(report, out);
  return out.take();
}

}  // namespace gp::session
