// What /proc says: the processes that were there before us, those the sideband did not tell of, and the mappings of one
// whose sample met an address we do not know.
#include <algorithm>
#include <unordered_map>

#include "base/clock.h"
#include "os/procfs.h"
#include "targets/targets.h"

namespace gp::targets {
namespace {

constexpr uint64_t kRescanNs = 20'000'000;     // between two readings of one process' maps
constexpr uint64_t kResyncNs = 1'000'000'000;  // between two readings of the host after lost events
constexpr uint64_t kRestForWork = 20;          // what a reading took times this is how long the next one waits
constexpr size_t kSharedRoom = GP_MAPPINGS_PER_PROCESS / 2;       // mappings any file may have of a process' table
constexpr size_t kMappingsPerFile = GP_MAPPINGS_PER_PROCESS / 8;  // and so many when that is used up

std::string_view without_deleted(std::string_view path) {
  constexpr std::string_view kDeleted = " (deleted)";
  return path.ends_with(kDeleted) ? path.substr(0, path.size() - kDeleted.size()) : path;
}

}  // namespace

void Targets::scan_all() {
  auto pids = os::list_processes();
  if (!pids) return;
  for (const int32_t pid : *pids) discover(pid);
  publish();
}

// Events were lost: whose birth, exec or end they told of shows in /proc.
void Targets::scan_after_loss() {
  const uint64_t begun = monotonic_ns();
  if (!events_lost_ || begun < resync_due_ns_) return;
  events_lost_ = false;
  if (auto pids = os::list_processes()) {
    std::ranges::sort(*pids);
    for (const auto& [pid, process] : processes_) {
      if (!std::ranges::binary_search(*pids, pid)) exiting_.push_back(pid);
    }
    for (const int32_t pid : *pids) check(pid);
  }
  const uint64_t now = monotonic_ns();
  resync_due_ns_ = now + std::max(kResyncNs, kRestForWork * (now - begun));
}

// Makes what we know of a process what /proc knows of it.
void Targets::check(int32_t pid) {
  const auto stat = os::read_stat(pid);
  if (!stat) return;
  const auto known = processes_.find(pid);
  if (known == processes_.end() || !same_start(known->second->key.start_ticks, stat->start_ticks)) {
    discover(pid);
    return;
  }
  Process& process = *known->second;
  if (stat->kernel_thread()) return;
  const auto executable = os::read_executable(os::living_thread(pid)).value_or("");
  if (stat->comm == process.program->comm && executable == process.program->executable && !kernel_.has_execed(pid))
    return;
  begin_program(process, stat->comm, monotonic_ns());
  process.program->executable = executable;
  read_maps(process);
}

// A process nobody told us of: reads what /proc says of it.
Process* Targets::discover(int32_t pid) {
  const auto stat = os::read_stat(pid);
  if (!stat) return nullptr;
  auto program = std::make_shared<Program>();
  program->key = {.pid = pid, .start_ticks = stat->start_ticks};
  program->comm = stat->comm;
  program->executable = os::read_executable(os::living_thread(pid)).value_or("");
  program->container_id = os::read_container_id(pid).value_or("");
  Process* process = add(program->key, stat->ppid, program);
  if (stat->kernel_thread()) {
    process->run = kernel_.make_run({});
    store(*process);
  } else {
    read_maps(*process);
  }
  return process;
}

bool Targets::read_maps(Process& process) {
  const uint64_t begun = monotonic_ns();
  MappingTable mappings;
  std::unordered_map<const CodeFile*, size_t> by_file;
  const int32_t pid = os::living_thread(process.key.pid);
  const auto scan = os::for_each_mapping(pid, [&](const os::MapsEntry& entry) {
    if (!entry.executable || entry.path == "[vsyscall]") return true;
    Mapping mapping{.start = entry.start,
                    .end = entry.end,
                    .offset = entry.offset,
                    .file = nullptr,
                    .shared = is_shared_memory(entry.path)};
    if (!mapping.shared && (entry.inode != 0 || is_vdso(entry.path))) {
      const FileKey key{.dev_major = entry.dev_major, .dev_minor = entry.dev_minor, .inode = entry.inode};
      mapping.file = file_for(key, without_deleted(entry.path), {.pid = pid, .start = entry.start, .end = entry.end});
      if (!mapping.file) return true;
    }
    // One file mapped without end leaves room for the others, which may lie above it.
    const size_t of_file = ++by_file[mapping.file.get()];
    if (mappings.size() >= GP_MAPPINGS_PER_PROCESS || (mappings.size() >= kSharedRoom && of_file > kMappingsPerFile)) {
      ++mappings_dropped_;
      return true;
    }
    mappings.emplace(entry.start, std::move(mapping));
    return true;
  });
  const uint64_t now = monotonic_ns();
  process.rescan_due_ns = now + std::max(kRescanNs, kRestForWork * (now - begun));
  // One that has ended maps nothing any more: what it had is still wanted for its last samples.
  if (!scan || mappings.empty()) return false;
  process.mappings = std::move(mappings);
  mark_dirty(process);
  attach(process);
  return true;
}

Process* Targets::look_again(ProcessKey key, uint64_t pc, uint64_t time_ns) {
  Process* process = find(key);
  if (process != nullptr && process->past_at(time_ns) != nullptr) return process;
  if (process == nullptr) {
    process = discover(key.pid);
    if (process == nullptr || !same_start(process->key.start_ticks, key.start_ticks)) return nullptr;
  } else if (!holds(process->mappings, pc) && monotonic_ns() >= process->rescan_due_ns) {
    read_maps(*process);
  }
  if (process->dirty && is_due(*process, monotonic_ns())) publish(*process);
  return process;
}

}  // namespace gp::targets
