#include "managed/process_finder.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "os/proc_maps.h"
#include "os/procfs.h"

namespace gp::managed {
namespace {

bool maps(int32_t pid, bool (*looks_at)(std::string_view)) {
  bool found = false;
  const auto scan = os::for_each_mapping(pid, [&](const os::MapsEntry& entry) {
    found = entry.inode != 0 && looks_at(entry.path);
    return !found;
  });
  return scan && found;
}

std::optional<FoundProcess> look(int32_t pid, bool (*looks_at)(std::string_view)) {
  const auto stat = os::read_stat(pid);
  if (!stat || stat->kernel_thread() || stat->exiting() || !maps(pid, looks_at)) return std::nullopt;
  const auto status = os::read_status(pid);
  if (!status) return std::nullopt;
  FoundProcess found{.identity = identity_of(pid, stat->comm),
                     .namespace_pid = status->namespace_pids.empty() ? pid : status->namespace_pids.back(),
                     .cpu_ticks = stat->user_ticks + stat->system_ticks};
  // Its number may have changed hands between the first look and the last.
  if (found.identity.key.start_ticks != stat->start_ticks) return std::nullopt;
  return found;
}

}  // namespace

profile::Process identity_of(int32_t pid, std::string_view comm) {
  profile::Process process;
  process.key = os::process_key(pid).value_or(ProcessKey{.pid = pid, .start_ticks = 0});
  process.comm = comm;
  if (process.key.start_ticks == 0) return process;
  process.executable = os::read_executable(pid).value_or("");
  process.container_id = os::read_container_id(pid).value_or("");
  return process;
}

std::vector<FoundProcess> find_processes(bool (*looks_at)(std::string_view), std::span<const int32_t> pids) {
  const auto all = os::list_processes();
  std::vector<FoundProcess> found;
  for (const int32_t pid : all ? *all : std::vector<int32_t>()) {
    if (pid == ::getpid() || (!pids.empty() && std::ranges::find(pids, pid) == pids.end())) continue;
    if (auto process = look(pid, looks_at)) found.push_back(std::move(*process));
  }
  std::ranges::sort(found, [](const FoundProcess& a, const FoundProcess& b) {
    return std::tie(b.cpu_ticks, a.identity.key) < std::tie(a.cpu_ticks, b.identity.key);
  });
  return found;
}

std::vector<int32_t> with_descendants(const std::vector<int32_t>& pids) {
  std::multimap<int32_t, int32_t> children;
  const auto all = os::list_processes();
  for (const int32_t pid : all ? *all : std::vector<int32_t>()) {
    if (const auto stat = os::read_stat(pid)) children.emplace(stat->ppid, pid);
  }
  std::set<int32_t> found;
  std::vector<int32_t> open = pids;
  while (!open.empty()) {
    const int32_t pid = open.back();
    open.pop_back();
    if (!found.insert(pid).second) continue;
    const auto [first, last] = children.equal_range(pid);
    for (auto child = first; child != last; ++child) open.push_back(child->second);
  }
  return {found.begin(), found.end()};
}

}  // namespace gp::managed
