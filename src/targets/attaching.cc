// The runtimes of processes: which files have them, and what the walker is told of each in each process.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/clock.h"
#include "bpf/abi/pcre.h"
#include "targets/targets.h"

namespace gp::targets {
namespace {

constexpr uint64_t kRetryAttachNs = 50'000'000;  // between two attempts to attach to one process

// What the program turns out to run, for people and for frames that mark a gap.
void note_runtime(Program& program, const RuntimeFile& runtime) {
  if (runtime.kind >= GP_RUNTIMES_WITH_FRAMES) return;  // a library that compiles, not what the program is
  if (program.runtime(runtime.kind) == nullptr)
    program.runtimes.push_back({.kind = runtime.kind,
                                .text = fmt::format("{} {}", runtime.name, runtime.version),
                                .version = runtime.full_version,
                                .supported = runtime.supported});
}

// Of another PCRE in the same process, as many as there is room for. The walker may be reading the entry.
void add_pattern_sites(gp_runtime_entry& entry, const gp_runtime_entry& more) {
  constexpr size_t kFirst = offsetof(gp_pcre, sites) / sizeof(uint64_t);
  size_t to = kFirst;
  for (size_t from = kFirst; from < kFirst + GP_PCRE_SITES && more.layout[from] != 0; ++from) {
    while (to < kFirst + GP_PCRE_SITES && entry.layout[to] != 0) ++to;
    if (to == kFirst + GP_PCRE_SITES) return;
    walk::store_word(entry.layout[to], more.layout[from]);
  }
}

// The memory of a process that has just begun, as far as runtimes look at it.
class Zeros final : public MemoryReader {
 public:
  bool read(Pc /*address*/, std::span<uint8_t> to) const override {
    std::ranges::fill(to, uint8_t{0});
    return true;
  }
};

}  // namespace

// Of each kind the first that one of its files has. Several of its files may have a PCRE: Apache uses one, the PHP in it
// brings its own.
void Targets::attach(Process& process) {
  std::array<bool, GP_RUNTIME_SLOTS> met{};
  bool added = false;
  for (const auto& [start, mapping] : process.mappings) {
    if (!mapping.file || mapping.file->state.load(std::memory_order_acquire) != CodeFile::State::kReady) continue;
    for (const RuntimeFile& runtime : mapping.file->runtimes) {
      if (runtime.kind >= met.size()) continue;
      if (runtime.kind == GP_RUNTIME_PCRE) {
        if (std::ranges::find(process.patterns, mapping.file.get()) != process.patterns.end()) continue;
      } else if (std::exchange(met[runtime.kind], true) || process.runtimes[runtime.kind] != 0) {
        continue;
      }
      const auto vaddr = mapping.file->image->to_vaddr({mapping.offset});
      note_runtime(*process.program, runtime);
      if (!runtime.supported || !vaddr) continue;
      const uint64_t bias = mapping.start - vaddr->value;
      if (const auto entry = entry_of_new(*mapping.file, runtime, bias)) {
        added |= take_entry(process, *mapping.file, *entry);
        continue;
      }
      process.attach_ns = monotonic_ns();
      loader_->post(AttachRequest{.process = process.key, .file = mapping.file, .kind = runtime.kind, .bias = bias});
    }
  }
  if (added) store(process);
}

// Where other processes had the runtime as this file has it there is nothing to ask of a new one: it does not wait for the
// loader, which short-lived ones would in vain.
std::optional<gp_runtime_entry> Targets::entry_of_new(const CodeFile& file, const RuntimeFile& runtime,
                                                      uint64_t bias) const {
  if ((file.runtimes_proven >> runtime.kind & 1U) == 0) return std::nullopt;
  const auto known = std::ranges::find(loader_->runtimes(), runtime.kind, &Runtime::kind);
  if (known == loader_->runtimes().end()) return std::nullopt;
  const auto entry = (*known)->attach(runtime, Zeros(), bias);
  return entry ? std::optional(*entry) : std::nullopt;
}

void Targets::retry_attach(Process& process, uint64_t now_ns) {
  if (now_ns - process.attach_ns > kRetryAttachNs) attach(process);
}

void Targets::take(AttachDone& done) {
  if (!done.entry) return;
  done.file->runtimes_proven |= 1U << done.entry->kind;
  Process* process = find(done.process);
  if (process == nullptr) return;
  const auto uses = [&done](const auto& entry) { return entry.second.file == done.file; };
  if (!std::ranges::any_of(process->mappings, uses)) return;
  if (take_entry(*process, *done.file, *done.entry)) store(*process);
}

// False: nothing is to be stored.
bool Targets::take_entry(Process& process, const CodeFile& file, const gp_runtime_entry& entry) {
  const uint16_t index = process.runtimes[entry.kind];
  if (entry.kind == GP_RUNTIME_PCRE) {
    if (std::ranges::find(process.patterns, &file) != process.patterns.end()) return false;
    process.patterns.push_back(&file);
    if (index != 0) add_pattern_sites(tables_->runtimes[index - 1U], entry);
  }
  if (index != 0) return false;
  return give_entry(process, entry);
}

bool Targets::give_entry(Process& process, const gp_runtime_entry& entry) {
  if (free_entries_.empty()) {
    ++entries_refused_;
    return false;
  }
  const uint16_t index = free_entries_.back();
  free_entries_.pop_back();
  tables_->runtimes[index - 1U] = entry;
  process.runtimes[entry.kind] = index;
  return true;
}

// The entry given back last is given out last: no sample still walks by it then.
void Targets::release_entries(Process& process) {
  for (uint16_t& index : process.runtimes)
    if (index != 0) free_entries_.insert(free_entries_.begin(), std::exchange(index, uint16_t{0}));
  process.patterns.clear();
}

std::vector<gp_runtime_entry> Targets::entries_of(const Process& process) const {
  std::vector<gp_runtime_entry> entries;
  for (const uint16_t index : process.runtimes)
    if (index != 0) entries.push_back(tables_->runtimes[index - 1U]);
  return entries;
}

}  // namespace gp::targets
