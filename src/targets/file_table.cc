#include "targets/file_table.h"

#include <numeric>

namespace gp::targets {

FileTable::FileTable(uint32_t slots) : slots_(slots), keyed_(slots), unused_since_ns_(slots), free_(slots) {
  std::iota(free_.rbegin(), free_.rend(), 0U);  // slot 0 is given out first
}

std::shared_ptr<CodeFile> FileTable::find_or_add(const FileKey& key, std::string_view path, bool* added) {
  *added = false;
  if (const auto known = by_key_.find(key); known != by_key_.end()) return known->second;
  if (free_.empty()) {
    ++refused_;
    return nullptr;
  }
  auto file = std::make_shared<CodeFile>();
  file->key = key;
  file->path = path;
  file->slot = free_.back();
  free_.pop_back();
  slots_[file->slot] = file;
  by_key_.emplace(key, file);
  keyed_[file->slot] = true;
  *added = true;
  return file;
}

const std::shared_ptr<CodeFile>& FileTable::in_slot(uint32_t slot) const {
  static const std::shared_ptr<CodeFile> kNone;
  return slot < slots_.size() ? slots_[slot] : kNone;
}

void FileTable::forget(const CodeFile& file) {
  const auto known = by_key_.find(file.key);
  if (known == by_key_.end() || known->second.get() != &file) return;
  by_key_.erase(known);
  keyed_[file.slot] = false;
}

void FileTable::collect(uint64_t now_ns, const std::function<void(const std::shared_ptr<CodeFile>&)>& retire) {
  free_.insert(free_.end(), cooling_.begin(), cooling_.end());
  cooling_.clear();
  const bool low = free_.size() * 4 < slots_.size();
  for (auto& slot : slots_) {
    if (!slot) continue;
    const bool keyed = keyed_[slot->slot];
    uint64_t& unused_since = unused_since_ns_[slot->slot];
    if (slot.use_count() > (keyed ? 2 : 1)) {
      unused_since = 0;
      continue;
    }
    if (unused_since == 0) unused_since = now_ns;
    if (keyed && !low && now_ns - unused_since < kKeepNs) continue;
    unused_since = 0;
    retire(slot);
    if (keyed) by_key_.erase(slot->key);
    keyed_[slot->slot] = false;
    cooling_.push_back(slot->slot);
    slot.reset();
  }
}

}  // namespace gp::targets
