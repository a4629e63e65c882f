// Makes the bytes of a SymbolIndex from the symbols of a file, in one pass for the entries and one for the names, so
// that neither is ever held whole when they go to a file. Owner thread: the closer.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "symbols/index_sources.h"
#include "symbols/symbol_index.h"

namespace gp::symbols {

// Where the bytes go.
class IndexSink {
 public:
  IndexSink() = default;
  IndexSink(const IndexSink&) = delete;
  IndexSink& operator=(const IndexSink&) = delete;
  virtual ~IndexSink() = default;

  virtual Result<void> append(Bytes bytes) = 0;
  // Replaces the first bytes, at the end.
  virtual Result<void> put_header(const IndexHeader& header) = 0;
};

// Into memory, at most `max_bytes` (kLimit).
class MemorySink final : public IndexSink {
 public:
  explicit MemorySink(size_t max_bytes) : max_bytes_(max_bytes) {}
  Result<void> append(Bytes bytes) override;
  Result<void> put_header(const IndexHeader& header) override;
  std::vector<uint8_t> take();

 private:
  size_t max_bytes_;
  std::vector<uint8_t> bytes_;
};

// Into an empty file, through a buffer of 64 KiB.
class FileSink final : public IndexSink {
 public:
  FileSink(int fd, size_t max_bytes) : fd_(fd), max_bytes_(max_bytes) {}
  Result<void> append(Bytes bytes) override;
  Result<void> put_header(const IndexHeader& header) override;

 private:
  Result<void> flush();

  int fd_;
  size_t max_bytes_;
  size_t written_ = 0;
  std::vector<uint8_t> buffer_;
};

Result<void> write_index(const IndexSources& sources, const IndexIdentity& identity, IndexSink& sink);

// The same of whatever has pieces of code: hands all of them out, by their starts and without overlaps, and every name
// they speak of in the order of IndexEntry::name. Is run twice and must say the same both times.
using PieceCallback = std::function<Result<void>(const IndexEntry&)>;
using NameCallback = std::function<Result<void>(std::string_view name, std::string_view suffix)>;
using PieceSource = std::function<Result<void>(const PieceCallback&, const NameCallback&)>;
// `base`: the vaddr that the pieces count from.
Result<void> write_index(uint64_t base, const PieceSource& source, const IndexIdentity& identity, IndexSink& sink);

}  // namespace gp::symbols
