#include "targets/targets.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/clock.h"
#include "os/procfs.h"

namespace gp::targets {
namespace {

constexpr uint64_t kTickNs = 10'000'000;  // of ProcessKey::start_ticks
constexpr size_t kPastPrograms = 4;
constexpr uint64_t kLookAgainNs = 1'000'000'000;  // between two checks of one file for change

// A process with more mappings than this shows the walker a change of them only so long after the one before, for each
// mapping it has: whole runs are replaced, and those of the others are to find room.
constexpr size_t kManyMappings = 256;
constexpr uint64_t kPublishNsPerMapping = 25'000;

}  // namespace

Targets::Targets(walk::Tables* tables, Loader* loader)
    : tables_(tables),
      loader_(loader),
      kernel_(tables),
      files_(static_cast<uint32_t>(tables->files.size())),
      free_entries_(std::min<size_t>(tables->runtimes.size(), UINT16_MAX)) {
  std::iota(free_entries_.rbegin(), free_entries_.rend(), uint16_t{1});
}

uint32_t Targets::wanted_by(int32_t pid, int32_t parent_pid) const {
  const auto parent = processes_.find(parent_pid);
  const uint32_t inherited = parent == processes_.end() ? 0 : parent->second->sessions;
  uint32_t sessions = 0;
  for (const auto& [slot, filter] : filters_) {
    const bool named = filter.pids.empty() || std::ranges::find(filter.pids, pid) != filter.pids.end();
    if (named || (filter.children && (inherited >> slot & 1U) != 0)) sessions |= 1U << slot;
  }
  return sessions;
}

uint32_t Targets::sessions_of(ProcessKey key) {
  if (const Process* process = find(key)) return process->sessions;
  return wanted_by(key.pid, 0);
}

void Targets::add_session(uint32_t slot, Filter filter) {
  const bool children = filter.children;
  filters_[slot] = std::move(filter);
  for (auto& [pid, process] : processes_) {
    process->sessions |= wanted_by(pid, 0) & 1U << slot;
    kernel_.set_sessions(process->key, process->sessions);
  }
  if (children) spread_to_children(slot);
}

// A session's processes may be found in any order: until no more come.
void Targets::spread_to_children(uint32_t slot) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto& [pid, process] : processes_) {
      const uint32_t more = wanted_by(pid, process->parent_pid) & 1U << slot & ~process->sessions;
      if (more == 0) continue;
      process->sessions |= more;
      kernel_.set_sessions(process->key, process->sessions);
      changed = true;
    }
  }
}

void Targets::remove_session(uint32_t slot) {
  filters_.erase(slot);
  for (auto& [pid, process] : processes_) {
    process->sessions &= ~(1U << slot);
    kernel_.set_sessions(process->key, process->sessions);
  }
}

Process* Targets::add(ProcessKey key, int32_t parent_pid, std::shared_ptr<Program> program) {
  auto process = std::make_unique<Process>();
  process->key = key;
  process->parent_pid = parent_pid;
  process->program = std::move(program);
  process->sessions = wanted_by(key.pid, parent_pid);
  auto& place = processes_[key.pid];
  if (place) replaced_.push_back(std::move(place));
  place = std::move(process);
  return place.get();
}

std::shared_ptr<CodeFile> Targets::file_for(const FileKey& key, std::string_view path, const FileHint& hint) {
  bool added = false;
  auto file = files_.find_or_add(key, path, &added);
  if (!file) return nullptr;
  const auto state = file->state.load(std::memory_order_acquire);
  // In a container only its own processes lead to a file, and some end before it is opened.
  if (state == CodeFile::State::kGone && hint.pid != file->brought_by) {
    const uint64_t now = monotonic_ns();
    if (now - looked_ns_[file->slot] > kLookAgainNs) {
      files_.forget(*file);
      file = files_.find_or_add(key, path, &added);
      if (!file) return nullptr;
      looked_ns_[file->slot] = now;
    }
  }
  if (added) {
    file->brought_by = hint.pid;
    loader_->post(OpenRequest{.file = file, .hint = hint, .again = false});
  } else if (state == CodeFile::State::kReady && key.inode != 0) {
    // Builds rewrite programs in place: the same inode, other code.
    const uint64_t now = monotonic_ns();
    auto& looked = looked_ns_[file->slot];
    if (now - looked > kLookAgainNs) {
      looked = now;
      loader_->post(OpenRequest{.file = file, .hint = hint, .again = true});
    }
  }
  return file;
}

void Targets::mark_dirty(Process& process) {
  if (!process.dirty) dirty_.push_back(process.key.pid);
  process.dirty = true;
}

void Targets::apply(const os::SidebandEvent& event) {
  if (const auto* mmap = std::get_if<os::MmapEvent>(&event.body)) {
    on_mmap(*mmap, event.time_ns);
  } else if (const auto* comm = std::get_if<os::CommEvent>(&event.body)) {
    on_comm(*comm, event.time_ns);
  } else if (const auto* fork = std::get_if<os::ForkEvent>(&event.body)) {
    on_fork(*fork, event.time_ns);
  } else if (const auto* exit = std::get_if<os::ExitEvent>(&event.body)) {
    on_exit(*exit);
  } else if (std::holds_alternative<os::LostEvent>(event.body)) {
    events_lost_ = true;
  }
}

void Targets::on_mmap(const os::MmapEvent& event, uint64_t time_ns) {
  const auto known = processes_.find(event.pid);
  Process* process = known != processes_.end() ? known->second.get() : discover(event.pid);
  if (process == nullptr) return;
  Mapping mapping{.start = event.address,
                  .end = event.address + event.length,
                  .offset = event.offset,
                  .file = nullptr,
                  .shared = is_shared_memory(event.path)};
  if (mapping.end <= mapping.start) return;
  if (!mapping.shared && (event.inode != 0 || is_vdso(event.path))) {
    const FileKey key{.dev_major = event.dev_major, .dev_minor = event.dev_minor, .inode = event.inode};
    mapping.file = file_for(key, event.path, {.pid = event.pid, .start = mapping.start, .end = mapping.end});
    if (!mapping.file) return;
    if (process->program->executable.empty()) process->program->executable = event.path;
  }
  // Runtimes take the right to run their code away and give it back each time they add to it.
  if (const auto same = process->mappings.find(mapping.start);
      same != process->mappings.end() && same->second == mapping && !mapping.file)
    return;
  const auto file = mapping.file;
  process->replaced.note(process->mappings, mapping, time_ns);
  if (!put_mapping(process->mappings, std::move(mapping))) ++mappings_dropped_;
  mark_dirty(*process);
  // One that is still to be looked at asks for this itself, see take().
  if (file && file->state.load(std::memory_order_acquire) == CodeFile::State::kReady && !file->runtimes.empty())
    attach(*process);
}

void Targets::on_comm(const os::CommEvent& event, uint64_t time_ns) {
  const auto known = processes_.find(event.pid);
  if (!event.exec) {
    // Kernel threads are born with their parent's name and get their own at once; they never exec.
    if (known != processes_.end() && event.pid == event.tid && known->second->mappings.empty()) {
      known->second->program = std::make_shared<Program>(*known->second->program);
      known->second->program->comm = event.name;
    }
    return;
  }
  if (known == processes_.end()) {
    discover(event.pid);
    return;
  }
  begin_program(*known->second, event.name, time_ns);
}

void Targets::begin_program(Process& process, std::string_view comm, uint64_t time_ns) {
  auto program = std::make_shared<Program>();
  program->key = process.key;
  program->comm = comm;
  program->exec_ns = time_ns;
  // A runtime of containers moves itself into the new cgroup before it execs the program.
  program->container_id = os::read_container_id(process.key.pid).value_or(process.program->container_id);
  if (process.past.size() >= kPastPrograms) process.past.erase(process.past.begin());
  // Not in the walker's table any more: only stacks that are finished here want it.
  auto run = std::make_shared<const MappingRun>(MappingRun{.mappings = walkers_view(process), .first = 0, .word = 0});
  process.past.push_back(
      {.ended_ns = time_ns, .program = std::exchange(process.program, std::move(program)), .run = std::move(run)});
  process.mappings.clear();
  process.replaced.clear();
  release_entries(process);
  mark_dirty(process);
}

void Targets::on_fork(const os::ForkEvent& event, uint64_t time_ns) {
  if (event.pid == event.parent_pid) return;  // a thread
  const auto known = processes_.find(event.parent_pid);
  if (known == processes_.end()) {
    discover(event.pid);
    return;
  }
  const uint64_t boot_offset = clock_ns(CLOCK_BOOTTIME) - monotonic_ns();
  const ProcessKey key{.pid = event.pid, .start_ticks = (time_ns + boot_offset) / kTickNs};
  if (const auto scanned = processes_.find(event.pid);
      scanned != processes_.end() && same_start(scanned->second->key.start_ticks, key.start_ticks)) {
    return;  // the scan of /proc saw it already
  }
  Process& parent = *known->second;
  auto program = std::make_shared<Program>(*parent.program);
  program->key = key;
  Process* child = add(key, event.parent_pid, std::move(program));
  child->mappings = parent.mappings;
  child->run = parent.run;
  if (parent.dirty) mark_dirty(*child);
  for (const uint16_t index : parent.runtimes)
    if (index != 0) give_entry(*child, tables_->runtimes[index - 1U]);
  child->patterns = parent.patterns;
  store(*child);
  attach(*child);
}

void Targets::on_exit(const os::ExitEvent& event) { exiting_.push_back(event.pid); }

void Targets::publish() { publish_due(monotonic_ns()); }

void Targets::publish_due(uint64_t now_ns) {
  for (const int32_t pid : std::exchange(dirty_, {})) {
    const auto known = processes_.find(pid);
    if (known == processes_.end() || !known->second->dirty) continue;
    if (is_due(*known->second, now_ns)) {
      publish(*known->second);
    } else {
      dirty_.push_back(pid);
    }
  }
}

bool Targets::is_due(const Process& process, uint64_t now_ns) {
  const size_t count = process.mappings.size();
  return count <= kManyMappings || now_ns - process.published_ns >= count * kPublishNsPerMapping;
}

// The mappings of a process as the walker's table has them.
std::vector<gp_mapping> Targets::walkers_view(const Process& process) {
  std::vector<gp_mapping> mappings;
  mappings.reserve(process.mappings.size());
  for (const auto& [start, mapping] : process.mappings) {
    const bool jit = !mapping.file || mapping.file->state.load() == CodeFile::State::kNotElf;
    const gp_mapping entry{.start = mapping.start,
                           .end = mapping.end,
                           .offset = jit ? 0 : mapping.offset,
                           .file = jit ? GP_NO_FILE : mapping.file->slot,
                           .flags = mapping.shared || (jit && mapping.file) ? uint32_t{GP_MAPPING_SHARED} : 0};
    if (jit && !mappings.empty() && mappings.back().file == GP_NO_FILE && mappings.back().end == entry.start &&
        mappings.back().flags == entry.flags) {
      mappings.back().end = entry.end;
    } else {
      mappings.push_back(entry);
    }
  }
  return mappings;
}

void Targets::publish(Process& process) {
  process.dirty = false;
  process.run = kernel_.make_run(walkers_view(process));
  store(process);
  process.published_ns = monotonic_ns();
  process.replaced.shown(process.published_ns);
}

void Targets::store(Process& process) {
  kernel_.store({.key = process.key,
                 .mappings = process.run ? process.run->word : 0,
                 .sessions = process.sessions,
                 .runtimes = process.runtimes,
                 .exec_ns = process.program->exec_ns});
}

void Targets::take(const FileDone& done) {
  const bool not_elf = done.file->state.load() == CodeFile::State::kNotElf;
  if (!not_elf && done.file->runtimes.empty()) return;
  for (auto& [pid, process] : processes_) {
    const auto uses = [&done](const auto& entry) { return entry.second.file == done.file; };
    if (!std::ranges::any_of(process->mappings, uses)) continue;
    if (not_elf) {
      publish(*process);
    } else {
      attach(*process);
    }
  }
}

void Targets::take(const FileChanged& changed) {
  files_.forget(*changed.file);
  const auto known = processes_.find(changed.hint.pid);
  if (known == processes_.end()) return;
  const auto mapping = known->second->mappings.find(changed.hint.start);
  if (mapping == known->second->mappings.end() || mapping->second.file != changed.file) return;
  mapping->second.file = file_for(changed.file->key, changed.file->path, changed.hint);
  if (!mapping->second.file) known->second->mappings.erase(mapping);
  publish(*known->second);
}

Process* Targets::find(ProcessKey key) {
  const auto known = processes_.find(key.pid);
  if (known != processes_.end() && same_start(known->second->key.start_ticks, key.start_ticks))
    return known->second.get();
  for (const auto& process : replaced_) {
    if (process->key.pid == key.pid && same_start(process->key.start_ticks, key.start_ticks)) return process.get();
  }
  return nullptr;
}

std::vector<std::shared_ptr<CodeFile>> Targets::files_of(const MappingRun& run) const {
  std::vector<std::shared_ptr<CodeFile>> files;
  for (const gp_mapping& mapping : run.mappings) {
    if (mapping.file == GP_NO_FILE) continue;
    const auto& file = files_.in_slot(mapping.file);
    if (file && (files.empty() || files.back() != file)) files.push_back(file);
  }
  return files;
}

void Targets::drop(int32_t pid) {
  const auto known = processes_.find(pid);
  if (known == processes_.end()) return;
  release_entries(*known->second);
  kernel_.remove(pid);
  processes_.erase(known);
}

void Targets::collect() {
  for (const auto& process : replaced_) release_entries(*process);
  replaced_.clear();
  for (const ProcessKey& gone : std::exchange(gone_, {}))
    if (const auto known = processes_.find(gone.pid); known != processes_.end() && known->second->key == gone)
      drop(gone.pid);
  std::ranges::sort(exiting_);
  const auto repeated = std::ranges::unique(exiting_);
  exiting_.erase(repeated.begin(), repeated.end());
  for (const int32_t pid : std::exchange(exiting_, {})) {
    const auto stat = os::read_stat(pid);
    const bool zombie = stat && stat->state == 'Z' && stat->threads <= 1;
    const auto known = processes_.find(pid);
    if (known == processes_.end()) continue;
    if (!stat || zombie || !same_start(stat->start_ticks, known->second->key.start_ticks)) {
      gone_.push_back(known->second->key);
    } else if (stat->exiting()) {
      exiting_.push_back(pid);  // its last thread is still on its way out
    }
  }
  scan_after_loss();
  files_.collect(monotonic_ns(), [this](const std::shared_ptr<CodeFile>& file) {
    looked_ns_.erase(file->slot);
    // Now, not when the loader comes to it: the slot may have a new file by then.
    __atomic_store_n(&tables_->files[file->slot].state, GP_FILE_NOT_LOADED, __ATOMIC_RELEASE);
    loader_->post(RetireRequest{.slot = file->slot});
  });
  uint64_t bytes = 0;
  for (const auto& [pid, process] : processes_) {
    bytes += sizeof(Process) + sizeof(Program) + process->mappings.size() * sizeof(MappingTable::value_type);
  }
  charge_.set(bytes);
}

}  // namespace gp::targets
