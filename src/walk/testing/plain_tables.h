// For tests: the walker's tables in plain memory instead of BPF maps.
#pragma once

#include <memory>
#include <vector>

#include "walk/tables.h"

namespace gp::walk {

struct PlainSizes {
  uint32_t buckets = 16;  // power of two
  uint32_t mappings = 256;
  uint32_t files = 16;
  uint32_t pages = 256;
  uint32_t runtimes = 4;
};

// Owner thread: as of the tables it holds.
class PlainTables final : public SegmentSource {
 public:
  explicit PlainTables(const PlainSizes& sizes = {})
      : processes_(sizes.buckets),
        mappings_(sizes.mappings),
        files_(sizes.files),
        pages_(sizes.pages),
        runtimes_(sizes.runtimes) {
    tables.processes = processes_;
    tables.mappings = mappings_;
    tables.files = files_;
    tables.pages = pages_;
    tables.runtimes = runtimes_;
    tables.page_used_ms = std::vector<std::atomic<uint32_t>>(sizes.pages);
  }

  Result<uint32_t*> add_segment(uint32_t index) override {
    if (refuse_segments) return fail(ErrorCode::kLimit, "no more segments");
    if (index >= segments_.size()) segments_.resize(index + 1);
    segments_[index] = std::make_unique<uint32_t[]>(GP_SEGMENT_WORDS);  // NOLINT(modernize-avoid-c-arrays)
    return segments_[index].get();
  }

  void remove_segment(uint32_t index) override { segments_[index].reset(); }

  Tables tables;
  bool refuse_segments = false;

 private:
  std::vector<gp_process_bucket> processes_;
  std::vector<gp_mapping> mappings_;
  std::vector<gp_file> files_;
  std::vector<uint64_t> pages_;
  std::vector<gp_runtime_entry> runtimes_;
  std::vector<std::unique_ptr<uint32_t[]>> segments_;  // NOLINT(modernize-avoid-c-arrays)
};

}  // namespace gp::walk
