#include "walk/live_walker.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "bpf/walk/state.h"
#include "walk/live_step.h"

namespace gp::walk {

// A walk in progress: what the gp_live_* functions below read.
struct LiveWalker::State {
  gp_walk walk{};
  const Tables* tables = nullptr;
  const LiveStack* stack = nullptr;
  const ReadMemory* read = nullptr;
  std::array<__u64, GP_LIVE_SYMBOLS> seen{};
  gp_symbol_record record{};
  std::vector<std::vector<uint8_t>> symbols;
};

namespace {

thread_local LiveWalker::State* current = nullptr;

template <class T>
const T* at(std::span<T> table, uint32_t index) {
  return index < table.size() ? &table[index] : nullptr;
}

}  // namespace

LiveWalker::LiveWalker(const Tables& tables) : state_(std::make_unique<State>()) { state_->tables = &tables; }
LiveWalker::~LiveWalker() = default;

const std::vector<std::vector<uint8_t>>& LiveWalker::symbols() const { return state_->symbols; }

WalkedStack LiveWalker::walk(const LiveStack& stack, const ReadMemory& read) {
  State& state = *state_;
  gp_walk* w = &state.walk;
  state.stack = &stack;
  state.read = &read;
  state.seen.fill(0);
  state.symbols.clear();
  // Everything but the record's frames, which are written before they are read.
  std::memset(&w->registers, 0, sizeof(gp_walk) - offsetof(gp_walk, registers));
  w->registers = stack.registers;
  w->mappings = uint64_t{stack.mappings.size()} << 32U;  // a table of its own: the run begins at 0
  w->pid = stack.pid;
  w->start_ticks = stack.start_ticks;
  w->thread_pointer = stack.thread_pointer;
  for (size_t i = 0; i < stack.runtimes.size(); ++i)
    w->runtime[stack.runtimes[i].kind % GP_RUNTIME_SLOTS] = static_cast<uint16_t>(i + 1);

  current = &state;
  for (int step = 0; step < GP_MAX_STEPS && gp_live_turn(w) == 0; ++step) continue;
  current = nullptr;
  if (w->end == GP_END_NONE) w->end = GP_END_DEPTH;
  return {.frames = {w->record.frames, w->frames},
          .end = static_cast<gp_walk_end>(w->end),
          .guessed = w->guessed != 0,
          .missing_pc = w->registers.value[GP_REG_RIP]};
}

}  // namespace gp::walk

using gp::walk::current;

extern "C" {

long gp_live_read_user(gp_walk*, void* to, __u32 size, __u64 address) {
  return (*current->read)(address, {static_cast<uint8_t*>(to), size}) ? 0 : -1;
}
const gp_mapping* gp_live_mapping(__u32 index) { return gp::walk::at(current->stack->mappings, index); }
const gp_file* gp_live_file(__u32 index) { return gp::walk::at(current->tables->files, index); }
const __u64* gp_live_page_word(__u32 index) {
  return reinterpret_cast<const __u64*>(gp::walk::at(current->tables->pages, index));
}
const gp_runtime_entry* gp_live_runtime(__u32 index) { return gp::walk::at(current->stack->runtimes, index); }

const __u32* gp_live_row_word(__u32 segment, __u32 index) {
  if (segment >= GP_SEGMENTS_MAX || index >= GP_SEGMENT_WORDS) return nullptr;
  const uint32_t* words = current->tables->segments[segment];
  return words == nullptr ? nullptr : words + index;
}

const __u64* gp_live_mappings_word(gp_walk* w) { return &w->mappings; }

gp_symbol_record* gp_live_record() { return &current->record; }
__u64* gp_live_seen(__u32 index) { return &current->seen.at(index); }
int gp_live_ship(const void* record, __u64 size) {
  const auto* bytes = static_cast<const uint8_t*>(record);
  current->symbols.emplace_back(bytes, bytes + size);
  return 0;
}
}
