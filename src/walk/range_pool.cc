#include "walk/range_pool.h"

#include <iterator>

namespace gp::walk {

std::optional<uint32_t> RangePool::take(uint32_t count, uint64_t now_ns) {
  while (!resting_.empty() && resting_.front().free_at_ns <= now_ns) {
    free_range(resting_.front().first, resting_.front().count);
    resting_.pop_front();
  }
  for (auto range = free_.begin(); range != free_.end(); ++range) {
    if (range->second < count) continue;
    const uint32_t first = range->first;
    const uint32_t rest = range->second - count;
    free_.erase(range);
    if (rest > 0) free_[first + count] = rest;
    used_ += count;
    return first;
  }
  return std::nullopt;
}

void RangePool::give_back(uint32_t first, uint32_t count, uint64_t now_ns) {
  used_ -= count;
  resting_.push_back({.first = first, .count = count, .free_at_ns = now_ns + kGraceNs});
}

void RangePool::free_range(uint32_t first, uint32_t count) {
  auto next = free_.upper_bound(first);
  if (next != free_.end() && first + count == next->first) {
    count += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == first) {
      before->second += count;
      return;
    }
  }
  free_[first] = count;
}

}  // namespace gp::walk
