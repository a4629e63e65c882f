// The files whose unwind pages the walker may have: each one's run of the page directory, and the pages that are
// loaded. Owner thread: the loader's; handed on when a thread is replaced, hence the shared pointers.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "base/account.h"
#include "elf/unwind_source.h"
#include "targets/code_file.h"
#include "walk/range_pool.h"
#include "walk/row_pool.h"
#include "walk/tables.h"

namespace gp::targets {

// Unwind rules of one file and its run in the page directory. Kept alive by a thread that hangs in it, too.
struct UnwindFile {
  const CodeFile* file = nullptr;  // identity only: the reader decides how long it lives
  std::shared_ptr<const elf::Image> image;
  std::unique_ptr<elf::UnwindSource> source;
  uint32_t first = 0;
  uint32_t count = 0;
  uint32_t base = 0;
  Charge charge{account("unwind indexes")};

  [[nodiscard]] bool has(uint64_t page) const { return page >= base && page - base < count; }
  [[nodiscard]] uint32_t index(uint64_t page) const { return static_cast<uint32_t>(first + (page - base)); }
};

class UnwindFiles {
 public:
  UnwindFiles(walk::Tables* tables, walk::SegmentSource* segments, uint64_t budget_bytes);

  // Gives the file its run of the page directory and shows it to the walker. False: no room.
  bool install(const CodeFile& file, std::shared_ptr<UnwindFile> loaded);
  void retire(uint32_t slot);
  [[nodiscard]] std::shared_ptr<UnwindFile> in_slot(uint32_t slot) const;
  // The file when this page of it can be loaded and is not.
  [[nodiscard]] std::shared_ptr<UnwindFile> lacking(const CodeFile& file, uint64_t page) const;
  [[nodiscard]] bool is_settled(const UnwindFile& file, uint64_t page) const;  // loaded, empty or unreadable
  void publish(UnwindFile& file, uint64_t page, const elf::UnwindPage& rows);

  [[nodiscard]] const walk::RowPool& rows() const { return rows_; }
  // Segments used longest ago go back to the system, half of all. Takes a grace period.
  void give_segments_back();
  void refuse_growth(bool refuse) { rows_.refuse_growth(refuse); }

 private:
  walk::Tables* tables_;
  walk::RowPool rows_;
  walk::RangePool directory_;
  std::unordered_map<uint32_t, std::shared_ptr<UnwindFile>> files_;  // by slot
};

}  // namespace gp::targets
