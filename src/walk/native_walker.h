// The walker of bpf/walk, built natively: finishes stacks the kernel could not, over the copy of the user stack that
// came with the sample. One implementation, two surroundings (invariant 8). Owner thread: the caller's; one walk at a
// time per thread.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "bpf/abi/sample.h"
#include "walk/tables.h"

namespace gp::walk {

// What a walk starts from: a deferred sample and its stack copy.
struct DeferredStack {
  gp_registers registers{};
  uint64_t thread_pointer = 0;
  uint64_t base = 0;                     // address of stack[0]
  Bytes stack;                           // bytes of user stack from base up
  uint64_t other_base = 0;               // address of other[0]
  Bytes other;                           // of another stack that the walk may come to
  std::span<const gp_mapping> mappings;  // of the process, sorted
  uint32_t pid = 0;
  std::span<const gp_runtime_entry> runtimes{};  // of the process, at most one of a kind
  std::span<const gp_frame> before;              // native frames the kernel had found, leaf first
  std::span<const gp_frame> pending;             // of interpreters, read in the kernel: a run of each, leaf first
};

struct WalkedStack {
  std::span<const gp_frame> frames;  // leaf first; valid until the next walk of this walker
  gp_walk_end end = GP_END_NONE;
  bool guessed = false;
  uint64_t missing_pc = 0;  // where the walk stopped, for ends that are misses
};

class NativeWalker {
 public:
  explicit NativeWalker(const Tables& tables);
  ~NativeWalker();
  NativeWalker(const NativeWalker&) = delete;
  NativeWalker& operator=(const NativeWalker&) = delete;

  WalkedStack walk(const DeferredStack& stack);

  struct State;

 private:
  const Tables& tables_;
  State* state_;
};

}  // namespace gp::walk
