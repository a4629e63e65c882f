// Files with code by their kernel identity, and their slots in the walker's file table. A file nobody maps any more stays
// for a while, since most programs run again soon and are walked from their first sample then; its slot is reused once
// records that may name it have been read. Owner thread: reader.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "targets/code_file.h"

namespace gp::targets {

// Long enough for the next of a row of compilers, short enough not to keep a deleted file's blocks for long.
inline constexpr uint64_t kKeepNs = 60'000'000'000;

class FileTable {
 public:
  explicit FileTable(uint32_t slots);

  // The file of that key; `added` tells that it is new and must be loaded. Null when all slots are in use.
  std::shared_ptr<CodeFile> find_or_add(const FileKey& key, std::string_view path, bool* added);
  // The file in a slot; null when the slot is free.
  [[nodiscard]] const std::shared_ptr<CodeFile>& in_slot(uint32_t slot) const;
  // The contents under this key have changed: the next find_or_add makes a new file.
  void forget(const CodeFile& file);
  // Drops files that only this table has held for kKeepNs (at once where slots run low); their slots come back with the
  // next call but one, when every record written before has been read. Calls `retire` for each, to take it from the
  // walker's table.
  void collect(uint64_t now_ns, const std::function<void(const std::shared_ptr<CodeFile>&)>& retire);

  [[nodiscard]] size_t size() const { return by_key_.size(); }
  [[nodiscard]] uint64_t refused() const { return refused_; }

 private:
  std::map<FileKey, std::shared_ptr<CodeFile>> by_key_;
  std::vector<std::shared_ptr<CodeFile>> slots_;
  std::vector<bool> keyed_;                // by slot: it is the file of its key
  std::vector<uint64_t> unused_since_ns_;  // by slot; 0: in use
  std::vector<uint32_t> free_;
  std::vector<uint32_t> cooling_;  // freed by the last collect()
  uint64_t refused_ = 0;
};

}  // namespace gp::targets
