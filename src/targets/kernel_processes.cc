#include "targets/kernel_processes.h"

#include <algorithm>

#include "base/clock.h"

namespace gp::targets {

KernelProcesses::KernelProcesses(walk::Tables* tables)
    : tables_(tables), pool_(std::make_shared<Pool>(static_cast<uint32_t>(tables->mappings.size()))) {}

std::shared_ptr<const MappingRun> KernelProcesses::make_run(std::vector<gp_mapping> mappings) {
  const auto count = static_cast<uint32_t>(mappings.size());
  std::optional<uint32_t> first;
  if (count > 0) {
    const std::lock_guard lock(pool_->mutex);
    first = pool_->ranges.take(count, monotonic_ns());
  }
  if (!first) {
    if (count > 0) ++no_room_;
    return std::make_shared<const MappingRun>(MappingRun{.mappings = std::move(mappings), .first = 0, .word = 0});
  }
  std::ranges::copy(mappings, tables_->mappings.begin() + *first);
  generation_ = static_cast<uint16_t>(generation_ == UINT16_MAX ? 1 : generation_ + 1);
  const uint64_t word = uint64_t{*first} | uint64_t{count} << 32U | uint64_t{generation_} << 48U;
  return {new MappingRun{.mappings = std::move(mappings), .first = *first, .word = word},
          [pool = pool_](const MappingRun* run) {
            {
              const std::lock_guard lock(pool->mutex);
              pool->ranges.give_back(run->first, static_cast<uint32_t>(run->mappings.size()), monotonic_ns());
            }
            delete run;
          }};
}

uint32_t KernelProcesses::pool_used() const {
  const std::lock_guard lock(pool_->mutex);
  return pool_->ranges.used();
}

gp_process* KernelProcesses::find(int32_t pid, bool or_free) {
  const size_t mask = tables_->processes.size() - 1;
  auto& bucket = tables_->processes[static_cast<uint32_t>(pid) & mask];
  gp_process* free = nullptr;
  for (gp_process& entry : bucket.entries) {
    if (entry.pid == static_cast<uint32_t>(pid)) return &entry;
    if (entry.pid == 0 && free == nullptr) free = &entry;
  }
  return or_free ? free : nullptr;
}

bool KernelProcesses::store(const Entry& entry) {
  gp_process* slot = find(entry.key.pid, true);
  if (slot == nullptr) {
    ++no_room_;
    return false;
  }
  // The pid goes in last, so that the kernel never sees one process' mappings under another's identity.
  if (slot->pid == 0 || slot->start_ticks != entry.key.start_ticks) {
    __atomic_store_n(&slot->pid, 0U, __ATOMIC_RELEASE);
    slot->exec_ns = entry.exec_ns;
  }
  slot->sessions = entry.sessions;
  std::ranges::copy(entry.runtimes, slot->runtime);
  slot->start_ticks = entry.key.start_ticks;
  walk::store_word(slot->mappings, entry.mappings);
  walk::store_word(slot->known_exec_ns, entry.exec_ns);
  __atomic_store_n(&slot->pid, static_cast<uint32_t>(entry.key.pid), __ATOMIC_RELEASE);
  return true;
}

void KernelProcesses::set_sessions(ProcessKey key, uint32_t sessions) {
  gp_process* slot = find(key.pid, false);
  if (slot != nullptr && slot->start_ticks == key.start_ticks) slot->sessions = sessions;
}

bool KernelProcesses::has_execed(int32_t pid) {
  const gp_process* slot = find(pid, false);
  return slot != nullptr && !GP_KNOWS_EXEC(slot);
}

void KernelProcesses::remove(int32_t pid) {
  if (gp_process* slot = find(pid, false)) __atomic_store_n(&slot->pid, 0U, __ATOMIC_RELEASE);
}

}  // namespace gp::targets
