// Files with code by their kernel identity, and their slots in the walker's file table. A slot whose file nobody maps
// any more is reused once records that may name it have been read. Owner thread: reader.
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

class FileTable {
 public:
  explicit FileTable(uint32_t slots);

  // The file of that key; `added` tells that it is new and must be loaded. Null when all slots are in use.
  std::shared_ptr<CodeFile> find_or_add(const FileKey& key, std::string_view path, bool* added);
  // The file in a slot; null when the slot is free.
  [[nodiscard]] const std::shared_ptr<CodeFile>& in_slot(uint32_t slot) const;
  // The contents under this key have changed: the next find_or_add makes a new file.
  void forget(const CodeFile& file);
  // Collects files that only this table holds; their slots come back with the next call but one, when every record
  // written before has been read. Calls `retire` for each, to take it from the walker's table.
  void collect(const std::function<void(const std::shared_ptr<CodeFile>&)>& retire);

  [[nodiscard]] size_t size() const { return by_key_.size(); }
  [[nodiscard]] uint64_t refused() const { return refused_; }

 private:
  std::map<FileKey, std::shared_ptr<CodeFile>> by_key_;
  std::vector<std::shared_ptr<CodeFile>> slots_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> cooling_;  // freed by the last collect()
  uint64_t refused_ = 0;
};

}  // namespace gp::targets
