// The agent's view of the tables it shares with the walker in the kernel (bpf/abi/tables.h): spans over mapped BPF
// arrays, or over plain memory in tests. Owner thread: see who writes what below; the kernel reads at any time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "bpf/abi/sample.h"
#include "bpf/abi/tables.h"
#include "bpf/abi/unwind.h"

namespace gp::walk {

struct Tables {
  std::span<gp_process_bucket> processes;             // reader thread
  std::span<gp_mapping> mappings;                     // reader thread
  std::span<gp_file> files;                           // loader thread
  std::span<uint64_t> pages;                          // loader thread
  std::span<gp_runtime_entry> runtimes;               // reader thread
  std::array<uint32_t*, GP_SEGMENTS_MAX> segments{};  // loader thread; null: not made yet
  // Not shared with the kernel: when a sample last hit each page, in ms of CLOCK_MONOTONIC. The reader stores, the
  // loader's eviction reads.
  std::vector<std::atomic<uint32_t>> page_used_ms;
};

// Makes segments of the row pool visible to the walker and takes them away again. Implemented by whoever owns the BPF
// maps.
class SegmentSource {
 public:
  virtual ~SegmentSource() = default;
  // GP_SEGMENT_WORDS zeroed words, mapped, in slot `index`, which is free. Valid until removed.
  virtual Result<uint32_t*> add_segment(uint32_t index) = 0;
  // Gives the memory of slot `index` back. No page may lie there any more; a walk that still comes by finds no segment.
  virtual void remove_segment(uint32_t index) = 0;
};

// Stores and loads of words the kernel side may read at any moment, in one piece. `Word` is any 64-bit integer type.
template <class Word>
void store_word(Word& word, uint64_t value) {
  static_assert(sizeof(Word) == sizeof(uint64_t));
  __atomic_store_n(&word, value, __ATOMIC_RELEASE);
}
template <class Word>
uint64_t load_word(const Word& word) {
  static_assert(sizeof(Word) == sizeof(uint64_t));
  return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
}

}  // namespace gp::walk
