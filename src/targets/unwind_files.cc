#include "targets/unwind_files.h"

#include <algorithm>
#include <thread>

#include "base/clock.h"

namespace gp::targets {
namespace {

// A file gets at most this many directory words: 1 GiB of code.
constexpr uint64_t kMaxFilePages = 16384;

}  // namespace

UnwindFiles::UnwindFiles(walk::Tables* tables, walk::SegmentSource* segments, uint64_t budget_bytes)
    : tables_(tables), rows_(segments, tables, budget_bytes), directory_(static_cast<uint32_t>(tables->pages.size())) {}

bool UnwindFiles::install(const CodeFile& file, std::shared_ptr<UnwindFile> loaded) {
  const auto ranges = loaded->image->executable_ranges();
  gp_file& entry = tables_->files[file.slot];
  entry = {};
  if (!ranges.empty()) {
    const uint64_t first = ranges.front().begin.value >> GP_PAGE_SHIFT;
    const uint64_t end = (ranges.back().end.value + GP_PAGE_SIZE - 1) >> GP_PAGE_SHIFT;
    const uint64_t count = std::min(end - first, kMaxFilePages);
    const auto run = directory_.take(static_cast<uint32_t>(count), monotonic_ns());
    if (!run) return false;
    loaded->first = *run;
    loaded->count = static_cast<uint32_t>(count);
    loaded->base = static_cast<uint32_t>(first);
    for (uint32_t i = 0; i < loaded->count; ++i) {
      walk::store_word(tables_->pages[loaded->first + i], GP_PAGE_NOT_LOADED);
    }
    entry.page_first = loaded->first;
    entry.page_base = loaded->base;
    entry.page_count = loaded->count;
  }
  for (const RuntimeFile& runtime : file.runtimes) {
    if (runtime.kind >= GP_RUNTIMES_WITH_FRAMES) continue;
    for (size_t i = 0; i < runtime.eval.size(); ++i)
      entry.eval[i] = {.start = runtime.eval[i].start.value, .end = runtime.eval[i].end.value};
    entry.runtime = runtime.kind;
  }
  loaded->charge.set(loaded->source->owned_bytes());
  files_[file.slot] = std::move(loaded);
  return true;
}

void UnwindFiles::retire(uint32_t slot) {
  __atomic_store_n(&tables_->files[slot].state, GP_FILE_NOT_LOADED, __ATOMIC_RELEASE);
  const auto known = files_.find(slot);
  if (known == files_.end()) return;
  const UnwindFile& loaded = *known->second;
  for (uint32_t i = 0; i < loaded.count; ++i) {
    walk::store_word(tables_->pages[loaded.first + i], GP_PAGE_NOT_LOADED);
    rows_.release(loaded.first + i, monotonic_ns());
  }
  if (loaded.count > 0) directory_.give_back(loaded.first, loaded.count, monotonic_ns());
  files_.erase(known);
}

std::shared_ptr<UnwindFile> UnwindFiles::in_slot(uint32_t slot) const {
  const auto known = files_.find(slot);
  return known == files_.end() ? nullptr : known->second;
}

std::shared_ptr<UnwindFile> UnwindFiles::lacking(const CodeFile& file, uint64_t page) const {
  auto loaded = in_slot(file.slot);
  if (!loaded || loaded->file != &file || !loaded->has(page) || is_settled(*loaded, page)) return nullptr;
  return loaded;
}

bool UnwindFiles::is_settled(const UnwindFile& file, uint64_t page) const {
  return file.has(page) && walk::load_word(tables_->pages[file.index(page)]) != GP_PAGE_NOT_LOADED;
}

void UnwindFiles::publish(UnwindFile& file, uint64_t page, const elf::UnwindPage& rows) {
  file.charge.set(file.source->owned_bytes());  // an index may be made at the first page
  const uint32_t index = file.index(page);
  uint64_t& word = tables_->pages[index];
  if (rows.rows.empty()) {
    walk::store_word(word, GP_PAGE_EMPTY);
  } else if (const auto place = rows_.place(index, rows.rules, rows.rows, monotonic_ns())) {
    walk::store_word(word, *place);
  }
}

void UnwindFiles::give_segments_back() {
  rows_.vacate(rows_.segments() / 2, monotonic_ns());
  // Walks that saw the old directory words end meanwhile. Memory is short: that page loads wait for it matters less.
  std::this_thread::sleep_for(std::chrono::nanoseconds(walk::kGraceNs));
  rows_.give_back(monotonic_ns());
}

}  // namespace gp::targets
