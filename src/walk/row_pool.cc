#include "walk/row_pool.h"

#include <algorithm>
#include <cstring>

namespace gp::walk {
namespace {

constexpr uint32_t kMaxRules = 8191;      // what a directory word can count
constexpr uint32_t kClockSlackMs = 1000;  // the reader may have read its clock after us

}  // namespace

RowPool::RowPool(SegmentSource* source, Tables* tables, uint64_t budget_bytes)
    : source_(source),
      tables_(tables),
      max_segments_(static_cast<uint32_t>(std::clamp<uint64_t>(budget_bytes / GP_SEGMENT_SIZE, 1, GP_SEGMENTS_MAX))),
      chunks_(max_segments_),
      placed_(tables->pages.size()) {}

std::optional<uint64_t> RowPool::place(uint32_t page, std::span<const gp_rule> rules, std::span<const gp_row> rows,
                                       uint64_t now_ns) {
  const uint64_t bytes = rules.size_bytes() + rows.size_bytes();
  const auto count = static_cast<uint32_t>((bytes + GP_CHUNK_SIZE - 1) / GP_CHUNK_SIZE);
  if (page >= placed_.size() || is_placed(page) || count == 0 || count > kChunks) return std::nullopt;
  if (rows.size() > GP_PAGE_SIZE || rules.size() > kMaxRules) return std::nullopt;
  const auto run = allocate(count, now_ns);
  if (!run) {
    ++refused_;
    return std::nullopt;
  }
  // The word that led here was replaced long ago: nobody may see the new content and the old word.
  std::atomic_thread_fence(std::memory_order_release);
  uint32_t* words = tables_->segments[run->segment] + size_t{run->first} * GP_CHUNK_WORDS;
  std::memcpy(words, rules.data(), rules.size_bytes());
  std::memcpy(words + rules.size_bytes() / 4, rows.data(), rows.size_bytes());
  placed_[page] = Page{*run, static_cast<uint32_t>(now_ns / 1'000'000)};
  order_.push_back(page);
  generation_ = static_cast<uint16_t>(generation_ == UINT16_MAX ? 1 : generation_ + 1);
  return uint64_t{run->segment} | uint64_t{run->first} << 8U | uint64_t{rows.size()} << 18U |
         uint64_t{rules.size()} << 35U | uint64_t{generation_} << 48U;
}

void RowPool::release(uint32_t page, uint64_t now_ns) {
  if (page >= placed_.size() || !is_placed(page)) return;
  bury(placed_[page].run, now_ns);
  placed_[page] = {};
  std::erase(order_, page);
}

void RowPool::shrink(uint64_t bytes, uint64_t now_ns) {
  const uint64_t target = used_chunks_ * GP_CHUNK_SIZE > bytes ? used_chunks_ * GP_CHUNK_SIZE - bytes : 0;
  while (used_chunks_ * GP_CHUNK_SIZE > target && evict_oldest(now_ns)) {
  }
}

std::optional<RowPool::Run> RowPool::find_run(uint32_t count) {
  for (uint32_t segment = 0; segment < max_segments_; ++segment) {
    if (!has(segment)) continue;
    uint32_t free = 0;
    for (uint32_t chunk = 0; chunk < kChunks; ++chunk) {
      free = chunks_[segment][chunk] ? 0 : free + 1;
      if (free == count) return Run{segment, chunk + 1 - count, count};
    }
  }
  return std::nullopt;
}

std::optional<RowPool::Run> RowPool::allocate(uint32_t count, uint64_t now_ns) {
  exhume(now_ns);
  auto run = find_run(count);
  if (!run && add_segment()) run = find_run(count);
  if (!run) {
    // Evict an eighth of the pool at once: grace periods are waited for once a batch. The page at hand comes with a
    // later miss.
    if (graves_.empty()) shrink(memory_bytes() / 8, now_ns);
    return std::nullopt;
  }
  mark(*run, true);
  used_chunks_ += run->count;
  return run;
}

bool RowPool::add_segment() {
  if (growth_refused_ && segments_in_use_ > 0) return false;
  for (uint32_t segment = 0; segment < max_segments_; ++segment) {
    if (has(segment)) continue;
    const auto words = source_->add_segment(segment);
    if (!words) return false;
    tables_->segments[segment] = *words;
    ++segments_in_use_;
    return true;
  }
  return false;
}

void RowPool::vacate(uint32_t keep, uint64_t now_ns) {
  const auto now_ms = static_cast<uint32_t>(now_ns / 1'000'000);
  // For how long nobody has used anything in a segment; one that holds nothing: for ever.
  std::vector<std::pair<uint32_t, uint32_t>> idle;
  for (uint32_t segment = 0; segment < max_segments_; ++segment) {
    if (has(segment)) idle.emplace_back(UINT32_MAX, segment);
  }
  for (auto& [unused, segment] : idle) {
    for (const uint32_t page : order_) {
      if (placed_[page].run.segment == segment) unused = std::min(unused, unused_ms(page, now_ms));
    }
  }
  std::ranges::sort(idle, std::ranges::greater());
  const size_t leaving = idle.size() - std::min<size_t>(idle.size(), std::max(keep, 1U));
  for (size_t i = 0; i < leaving; ++i) {
    for (size_t at = order_.size(); at-- > 0;) {
      if (placed_[order_[at]].run.segment == idle[i].second) {
        evict(order_.begin() + static_cast<std::ptrdiff_t>(at), now_ns);
      }
    }
  }
}

uint32_t RowPool::give_back(uint64_t now_ns) {
  exhume(now_ns);
  uint32_t given = 0;
  for (uint32_t segment = 0; segment < max_segments_; ++segment) {
    if (!has(segment) || chunks_[segment].any()) continue;
    tables_->segments[segment] = nullptr;
    source_->remove_segment(segment);
    --segments_in_use_;
    ++given;
  }
  return given;
}

bool RowPool::evict_oldest(uint64_t now_ns) {
  if (order_.empty()) return false;
  const auto now_ms = static_cast<uint32_t>(now_ns / 1'000'000);
  const auto oldest = std::ranges::max_element(order_, {}, [&](uint32_t page) { return unused_ms(page, now_ms); });
  evict(oldest, now_ns);
  return true;
}

void RowPool::evict(std::vector<uint32_t>::iterator place, uint64_t now_ns) {
  const uint32_t page = *place;
  store_word(tables_->pages[page], GP_PAGE_NOT_LOADED);
  *place = order_.back();
  order_.pop_back();
  bury(placed_[page].run, now_ns);
  placed_[page] = {};
  ++evictions_;
}

// For how long nobody has used a page. Milliseconds wrap after 49.7 days of uptime, so ages are compared, not times.
uint32_t RowPool::unused_ms(uint32_t page, uint32_t now_ms) const {
  const uint32_t now = now_ms + kClockSlackMs;
  return std::min(now - placed_[page].placed_ms, now - tables_->page_used_ms[page].load(std::memory_order_relaxed));
}

void RowPool::bury(Run run, uint64_t now_ns) {
  used_chunks_ -= run.count;
  graves_.push_back({run, now_ns + kGraceNs});
}

void RowPool::exhume(uint64_t now_ns) {
  while (!graves_.empty() && graves_.front().free_at_ns <= now_ns) {
    mark(graves_.front().run, false);
    graves_.pop_front();
  }
}

void RowPool::mark(Run run, bool used) {
  for (uint32_t i = 0; i < run.count; ++i) chunks_[run.segment][run.first + i] = used;
}

}  // namespace gp::walk
