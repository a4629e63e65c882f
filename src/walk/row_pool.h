// The pool of unwind rows: 1 MiB segments cut in 1 KiB chunks, given out as runs, one run a page. Bounded by a budget;
// over it the pages used longest ago give way. A freed run is reused only after a grace period, in which every walk
// that may have seen its directory word has ended. Owner thread: loader.
#pragma once

#include <bitset>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "walk/range_pool.h"
#include "walk/tables.h"

namespace gp::walk {

class RowPool {
 public:
  // `budget_bytes` is rounded down to whole segments, at least one, at most GP_SEGMENTS_MAX.
  RowPool(SegmentSource* source, Tables* tables, uint64_t budget_bytes);

  // Writes rules and rows of a page and returns its directory word; the caller stores it into the directory. With no
  // room left evicts first (directory words are set to "not loaded"); nothing when the page cannot be placed now.
  std::optional<uint64_t> place(uint32_t page, std::span<const gp_rule> rules, std::span<const gp_row> rows,
                                uint64_t now_ns);

  // Gives back a page's run; its word must have been replaced in the directory already.
  void release(uint32_t page, uint64_t now_ns);
  // Evicts what was used longest ago until `bytes` are free or nothing is left.
  void shrink(uint64_t bytes, uint64_t now_ns);
  // Evicts all that lies in the segments used longest ago, until at most `keep` others are left (at least one). What is
  // emptied goes with a give_back() after the grace period.
  void vacate(uint32_t keep, uint64_t now_ns);
  // While refused, no segment is added beyond the first: pages are evicted instead.
  void refuse_growth(bool refuse) { growth_refused_ = refuse; }
  // Returns segments that hold nothing to the system; how many.
  uint32_t give_back(uint64_t now_ns);

  [[nodiscard]] uint32_t segments() const { return segments_in_use_; }
  [[nodiscard]] uint64_t memory_bytes() const { return uint64_t{segments_in_use_} * GP_SEGMENT_SIZE; }
  [[nodiscard]] uint64_t used_bytes() const { return used_chunks_ * GP_CHUNK_SIZE; }
  [[nodiscard]] uint64_t evictions() const { return evictions_; }
  [[nodiscard]] uint64_t refused() const { return refused_; }

 private:
  static constexpr uint32_t kChunks = GP_SEGMENT_SIZE / GP_CHUNK_SIZE;

  // A run of chunks in one segment.
  struct Run {
    uint32_t segment = 0;
    uint32_t first = 0;
    uint32_t count = 0;
  };
  struct Page {
    Run run;
    uint32_t placed_ms = 0;
  };
  struct Grave {
    Run run;
    uint64_t free_at_ns = 0;
  };

  [[nodiscard]] bool is_placed(uint32_t page) const { return placed_[page].run.count > 0; }
  std::optional<Run> find_run(uint32_t count);
  std::optional<Run> allocate(uint32_t count, uint64_t now_ns);
  [[nodiscard]] uint32_t unused_ms(uint32_t page, uint32_t now_ms) const;
  void bury(Run run, uint64_t now_ns);
  void exhume(uint64_t now_ns);
  void mark(Run run, bool used);
  bool evict_oldest(uint64_t now_ns);
  void evict(std::vector<uint32_t>::iterator place, uint64_t now_ns);
  [[nodiscard]] bool has(uint32_t segment) const { return tables_->segments[segment] != nullptr; }
  bool add_segment();

  SegmentSource* source_;
  Tables* tables_;
  uint32_t max_segments_;
  uint32_t segments_in_use_ = 0;
  bool growth_refused_ = false;
  uint64_t used_chunks_ = 0;
  uint64_t evictions_ = 0;
  uint64_t refused_ = 0;
  uint16_t generation_ = 0;
  std::vector<std::bitset<kChunks>> chunks_;  // set: used or in its grace period
  std::vector<Page> placed_;                  // by page
  std::vector<uint32_t> order_;               // pages placed, in no order
  std::deque<Grave> graves_;                  // by free_at_ns
};

}  // namespace gp::walk
