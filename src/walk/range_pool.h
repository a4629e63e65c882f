// Contiguous ranges out of a fixed table that the kernel reads while we write. A range given back rests for a grace
// period before it is given out again. Owner thread: the table's writer.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace gp::walk {

// A walk lasts under a millisecond and cannot be preempted, but the virtual CPU it runs on can be: a tenth of a second
// is far beyond both, and what is beyond that the generations in directory and mapping words catch.
inline constexpr uint64_t kGraceNs = 100'000'000;

class RangePool {
 public:
  explicit RangePool(uint32_t entries) { free_[0] = entries; }

  // First of `count` free neighbours; nothing when there are none.
  std::optional<uint32_t> take(uint32_t count, uint64_t now_ns);
  void give_back(uint32_t first, uint32_t count, uint64_t now_ns);
  [[nodiscard]] uint32_t used() const { return used_; }

 private:
  struct Resting {
    uint32_t first;
    uint32_t count;
    uint64_t free_at_ns;
  };
  void free_range(uint32_t first, uint32_t count);

  std::map<uint32_t, uint32_t> free_;  // first → count; no two are neighbours
  std::deque<Resting> resting_;        // by free_at_ns
  uint32_t used_ = 0;
};

}  // namespace gp::walk
