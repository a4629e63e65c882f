// The walker of bpf/walk over a process that runs: native frames and interpreted ones, as the kernel's walk would make them,
// from the registers of a thread that waits. What is read may change meanwhile: whoever asks has to see that the thread
// stayed where it was. Owner thread: the caller's; one walk at a time per thread. Reads may block (see ReadMemory).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "bpf/abi/sample.h"
#include "walk/native_walker.h"
#include "walk/tables.h"

namespace gp::walk {

// Reads all of a piece of the process' memory; false when that cannot be had.
using ReadMemory = std::function<bool(uint64_t address, std::span<uint8_t> to)>;

struct LiveStack {
  gp_registers registers{};
  uint64_t thread_pointer = 0;
  uint32_t pid = 0;
  uint64_t start_ticks = 0;
  std::span<const gp_mapping> mappings;          // of the process, sorted
  std::span<const gp_runtime_entry> runtimes{};  // at most one of a kind
};

class LiveWalker {
 public:
  explicit LiveWalker(const Tables& tables);
  ~LiveWalker();
  LiveWalker(const LiveWalker&) = delete;
  LiveWalker& operator=(const LiveWalker&) = delete;

  // What it returns is valid until the next walk.
  WalkedStack walk(const LiveStack& stack, const ReadMemory& read);
  // GP_RECORD_SYMBOL records of the code in the frames of the last walk.
  [[nodiscard]] const std::vector<std::vector<uint8_t>>& symbols() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace gp::walk
