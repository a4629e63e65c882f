#include "walk/native_walker.h"

#include <array>
#include <cstring>
#include <memory>

#include "bpf/walk/state.h"
#include "walk/native_step.h"

namespace gp::walk {

// A walk in progress: what the gp_env_* functions below read.
struct NativeWalker::State {
  gp_walk walk{};
  const Tables* tables = nullptr;
  const DeferredStack* stack = nullptr;
  std::array<std::span<const gp_frame>, GP_RUNTIME_SLOTS> pending;  // by runtime: what is left of its run, place first
  uint64_t called_compiled = 0;  // where Ruby's compiled code that was left last was called from
};

namespace {

thread_local NativeWalker::State* current = nullptr;

// Takes the pending frames apart: each runtime's run begins with a GP_FRAME_PLACE.
void split_pending(NativeWalker::State& state) {
  const auto pending = state.stack->pending;
  state.pending = {};
  for (size_t at = 0; at < pending.size();) {
    const gp_frame& place = pending[at];
    size_t end = at + 1;
    while (end < pending.size() && pending[end].kind != GP_FRAME_PLACE) ++end;
    if (place.kind == GP_FRAME_PLACE && place.extra < state.pending.size())
      state.pending[place.extra] = pending.subspan(at, end - at);
    at = end;
  }
}

// The place of a runtime's innermost frames, until it is taken; none after that.
bool belongs_further_out(NativeWalker::State& state, std::span<const gp_frame>& run) {
  if (run.empty() || run[0].kind != GP_FRAME_PLACE) return false;
  const uint64_t place = run[0].value;
  run = run.subspan(1);
  return place == GP_PLACE_OUTER || (place != GP_PLACE_UNKNOWN && gp_native_is_above_frame(&state.walk, place) != 0);
}

// Puts the interpreted frames of one run of the loop that was met in the place of the loop's own C frame.
void take_pending(NativeWalker::State& state) {
  gp_walk* w = &state.walk;
  const uint32_t runtime = w->unwinder % GP_RUNTIME_SLOTS;
  auto& run = state.pending[runtime];
  w->unwinder = GP_RUNTIME_NONE;
  w->pass_eval = GP_EVAL_SHOW;
  // A loop that called compiled code: its own frames were of the same run.
  if (runtime == GP_RUNTIME_RUBY && w->registers.value[GP_REG_RIP] == state.called_compiled) return;
  const bool known = run.data() != nullptr;
  if (belongs_further_out(state, run)) return;
  if (run.empty()) {
    const gp_frame gap{
        .kind = GP_FRAME_END, .flags = 0, .cookie = 0, .extra = runtime, .value = GP_END_RUNTIME_NOT_LOADED};
    if (!known) gp_native_push(w, &gap);
    w->done |= 1U << runtime;
    return;
  }
  w->pass_eval = GP_EVAL_HIDE;
  while (!run.empty()) {
    const gp_frame& frame = run[0];
    run = run.subspan(1);
    if (gp_native_push(w, &frame) == 0 || (frame.flags & GP_FRAME_ENTRY) != 0) break;
  }
  if (runtime != GP_RUNTIME_RUBY || w->found.file != GP_NO_FILE) return;
  w->pass_eval = gp_native_leave_compiled(w);
  state.called_compiled = w->pass_eval == GP_EVAL_UNSEEN ? w->registers.value[GP_REG_RIP] : 0;
}

}  // namespace

NativeWalker::NativeWalker(const Tables& tables) : tables_(tables), state_(new State) { state_->tables = &tables_; }
NativeWalker::~NativeWalker() { delete state_; }

WalkedStack NativeWalker::walk(const DeferredStack& stack) {
  State& state = *state_;
  gp_walk* w = &state.walk;
  state.stack = &stack;
  state.called_compiled = 0;
  split_pending(state);
  // Everything but the record's frames, which are written before they are read.
  std::memset(&w->registers, 0, sizeof(gp_walk) - offsetof(gp_walk, registers));
  w->registers = stack.registers;
  w->mappings = uint64_t{stack.mappings.size()} << 32U;  // a table of its own: the run begins at 0
  w->pid = w->table_pid = stack.pid;
  w->thread_pointer = stack.thread_pointer;
  for (size_t i = 0; i < stack.runtimes.size(); ++i)
    w->runtime[stack.runtimes[i].kind % GP_RUNTIME_SLOTS] = static_cast<uint16_t>(i + 1);
  for (const gp_frame& frame : stack.before) gp_native_push(w, &frame);

  current = &state;
  for (int step = 0; step < GP_MAX_STEPS; ++step) {
    if (w->unwinder != GP_RUNTIME_NONE) {
      take_pending(state);
      if (w->end != GP_END_NONE) break;
    } else if (gp_native_turn(w) != 0) {
      break;
    }
  }
  current = nullptr;
  if (w->end == GP_END_NONE) w->end = GP_END_DEPTH;
  return {.frames = {w->record.frames, w->frames},
          .end = static_cast<gp_walk_end>(w->end),
          .guessed = w->guessed != 0,
          .missing_pc = w->registers.value[GP_REG_RIP]};
}

namespace {

template <class T>
const T* at(std::span<T> table, uint32_t index) {
  return index < table.size() ? &table[index] : nullptr;
}

}  // namespace
}  // namespace gp::walk

using gp::walk::current;

extern "C" {

long gp_env_read_user(gp_walk*, void* to, __u32 size, __u64 address) {
  const auto& stack = *current->stack;
  const bool other = address - stack.base >= stack.stack.size();
  const uint64_t base = other ? stack.other_base : stack.base;
  const auto part = gp::slice(other ? stack.other : stack.stack, address - base, size);
  if (address < base || !part) return -1;
  std::memcpy(to, part->data(), size);
  return 0;
}

const gp_mapping* gp_env_mapping(__u32 index) { return gp::walk::at(current->stack->mappings, index); }
const gp_file* gp_env_file(__u32 index) { return gp::walk::at(current->tables->files, index); }
const __u64* gp_env_page_word(__u32 index) {
  return reinterpret_cast<const __u64*>(gp::walk::at(current->tables->pages, index));
}
const gp_runtime_entry* gp_env_runtime(__u32 index) { return gp::walk::at(current->stack->runtimes, index); }

const __u32* gp_env_row_word(__u32 segment, __u32 index) {
  if (segment >= GP_SEGMENTS_MAX || index >= GP_SEGMENT_WORDS) return nullptr;
  const uint32_t* words = current->tables->segments[segment];
  return words == nullptr ? nullptr : words + index;
}

const __u64* gp_env_mappings_word(gp_walk* w) { return &w->mappings; }
}
