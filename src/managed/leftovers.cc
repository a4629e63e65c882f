#include "managed/leftovers.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "os/cgroup.h"
#include "os/proc_text.h"
#include "os/procfs.h"
#include "os/unique_fd.h"

namespace gp::managed {
namespace {

constexpr std::string_view kVariable = "GPROFILER_CHILD_OF=";
constexpr std::string_view kPrefix = "gprofiler.";
constexpr size_t kMaxEnvironmentBytes = 256U << 10U;

std::string text_of(const ProcessKey& key) { return fmt::format("{}.{}", key.pid, key.start_ticks); }

std::optional<ProcessKey> parse_key(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto pid = os::parse_decimal(text.substr(0, dot));
  const auto start = os::parse_decimal(text.substr(dot + 1));
  if (!pid || !start || *pid == 0 || *pid > INT32_MAX) return std::nullopt;
  return ProcessKey{.pid = static_cast<int32_t>(*pid), .start_ticks = *start};
}

bool lives(const ProcessKey& key) {
  const auto now = os::process_key(key.pid);
  return now && *now == key;
}

size_t lines_in(const std::string& path) {
  const auto text = os::read_file(path, 1U << 20U);
  return text ? static_cast<size_t>(std::ranges::count(*text, '\n')) : 0;
}

// Kills what is in the cgroups of one agent; how many that were.
size_t sweep_cgroup(const std::filesystem::path& agent) {
  constexpr std::chrono::milliseconds kPatience{1000};
  size_t killed = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator at(agent, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_directory(error)) continue;
    killed += lines_in(at->path() / "cgroup.procs");
    os::empty_cgroup(at->path(), kPatience);
  }
  os::empty_cgroup(agent, kPatience);
  return killed;
}

}  // namespace

std::string environment_mark(const ProcessKey& agent) { return fmt::format("{}{}", kVariable, text_of(agent)); }

std::string cgroup_name(const ProcessKey& agent) { return fmt::format("{}{}", kPrefix, text_of(agent)); }

std::optional<ProcessKey> marked_agent(std::string_view environment) {
  while (!environment.empty()) {
    const std::string_view entry = environment.substr(0, environment.find('\0'));
    if (entry.starts_with(kVariable)) return parse_key(entry.substr(kVariable.size()));
    environment.remove_prefix(std::min(entry.size() + 1, environment.size()));
  }
  return std::nullopt;
}

std::optional<ProcessKey> agent_of_cgroup(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  return parse_key(name.substr(kPrefix.size()));
}

std::string Leftovers::describe() const {
  constexpr size_t kNamed = 5;
  if (killed == 0 && escaped.empty()) return {};
  std::string text = "left behind by an earlier run that was killed: ";
  if (killed > 0) text += fmt::format("{} processes in its cgroups, killed now", killed);
  if (escaped.empty()) return text;
  text += fmt::format("{}{} processes that run on:", killed > 0 ? "; " : "", escaped.size());
  for (size_t i = 0; i < std::min(escaped.size(), kNamed); ++i) {
    text += fmt::format("{} {} (pid {})", i == 0 ? "" : ",", escaped[i].comm, escaped[i].pid);
  }
  return text + (escaped.size() > kNamed ? ", …" : "");
}

Leftovers sweep_leftovers() {
  Leftovers found;
  if (const auto own = os::own_cgroup_directory()) {
    std::error_code error;
    for (std::filesystem::directory_iterator at(*own, error), end; !error && at != end; at.increment(error)) {
      const auto agent = agent_of_cgroup(at->path().filename().string());
      if (agent && !lives(*agent)) found.killed += sweep_cgroup(at->path());
    }
  }
  const auto processes = os::list_processes();
  for (const int32_t pid : processes ? *processes : std::vector<int32_t>()) {
    const auto environment = os::read_file(fmt::format("/proc/{}/environ", pid), kMaxEnvironmentBytes);
    const auto agent = environment ? marked_agent(*environment) : std::nullopt;
    if (!agent || lives(*agent)) continue;
    found.escaped.push_back({.pid = pid, .comm = os::read_comm(pid).value_or("?"), .agent = *agent});
  }
  return found;
}

}  // namespace gp::managed
