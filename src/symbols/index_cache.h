// A directory of symbol indexes, one file per ELF file, kept below a size by removing what was used longest ago.
//
// The directory is trusted no further than that nobody but us (or root) may write to it; what lies in it is validated
// each time. Files appear by rename. Where the directory cannot be used, indexes are made in memory instead.
//
// Owner thread: the closer.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "symbols/index_sources.h"
#include "symbols/index_writer.h"
#include "symbols/symbol_index.h"

namespace gp::symbols {

class IndexCache {
 public:
  static constexpr const char* kDefaultDirectory = "/var/cache/gprofiler/symbols";
  static constexpr uint64_t kDefaultMaxBytes = uint64_t{512} << 20U;
  static constexpr size_t kMaxMemoryIndexBytes = size_t{32} << 20U;  // of one index, when there is no directory

  struct Counts {
    uint64_t hits = 0;       // read from the directory
    uint64_t made = 0;       // written to it
    uint64_t in_memory = 0;  // made in memory
    uint64_t evicted = 0;
    uint64_t damaged = 0;  // files found that did not validate, removed
  };

  // Makes the directory if it is missing. "": no directory.
  IndexCache(std::string directory, uint64_t max_bytes);

  // The index of that identity, if it is there and whole.
  std::optional<SymbolIndex> find(const IndexIdentity& identity);
  // Makes it, in the directory or else in memory.
  Result<SymbolIndex> make(const IndexIdentity& identity, const IndexSources& sources);
  // Makes one from what `write` says, in the directory or not at all.
  using Write = std::function<Result<void>(IndexSink&)>;
  Result<SymbolIndex> make_file(const IndexIdentity& identity, const Write& write);

  [[nodiscard]] const Counts& counts() const { return counts_; }
  // Why the directory is not used, if it is not.
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  Result<void> prepare();
  Result<SymbolIndex> make_in_memory(const IndexIdentity& identity, const IndexSources& sources);
  [[nodiscard]] std::string path_of(const IndexIdentity& identity) const;
  void keep_within_budget(uint64_t added_bytes);
  uint64_t evict();

  std::string directory_;
  uint64_t max_bytes_;
  std::optional<Error> error_;
  std::optional<uint64_t> total_bytes_;  // of the directory; unknown until the first file is added
  Counts counts_;
};

}  // namespace gp::symbols
