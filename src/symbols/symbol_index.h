// The function symbols of one ELF file as a sorted table that is searched where it lies: a mapped cache file (clean
// pages) or a block of memory. Whatever wrote it, it is read as foreign bytes.
//
// Layout, little-endian: header (magic, version, counts, identity, hashes), entries sorted by start, names (each ended
// by NUL). Entries do not overlap: nested symbols are cut into pieces, so one binary search answers.
//
// Owner thread: the closer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "elf/file_id.h"
#include "os/mapped_file.h"

namespace gp::symbols {

// What an index was made from. An index for another identity is not used.
struct IndexIdentity {
  elf::FileId file;
  uint64_t debug_stamp = 0;  // elf::debug_file_stamp: changes when a debug file comes or goes

  bool operator==(const IndexIdentity&) const = default;
};

// Addresses are relative to IndexHeader::base.
struct IndexEntry {
  uint32_t start = 0;
  uint32_t end = 0;
  uint32_t name = 0;      // offset among the names; top bit: the symbol has no size, so its end is a guess
  uint32_t function = 0;  // where the function starts: start, but for the later pieces of a cut one
};

struct IndexHeader {
  static constexpr std::array<char, 8> kMagic{'g', 'p', 's', 'y', 'm', 'i', 'x', '\n'};
  static constexpr uint32_t kVersion = 1;

  std::array<char, 8> magic = kMagic;
  uint32_t version = kVersion;
  uint32_t entries = 0;
  uint64_t base = 0;         // vaddr
  uint64_t names_bytes = 0;  // the file ends with them
  uint64_t file_id_low = 0;
  uint64_t file_id_high = 0;
  uint64_t debug_stamp = 0;
  uint64_t body_hash = 0;    // XXH3 of all after the header
  uint64_t header_hash = 0;  // XXH3 of all before this field
};
static_assert(sizeof(IndexHeader) == 72 && sizeof(IndexEntry) == 16);

// The function an address lies in. `name` is as in the file (mangled) and views the index.
struct IndexedSymbol {
  std::string_view name;
  Vaddr start;
  bool sized = true;  // false: the file gives no size; it was taken to reach to the next symbol or the section's end
};

class SymbolIndex {
 public:
  static constexpr uint32_t kUnsizedBit = 1U << 31U;
  static constexpr size_t kMaxNameBytes = 4096;  // longer names are cut when written

  // Both check size, hashes and identity (kMalformed, kNotFound when it is another file's).
  static Result<SymbolIndex> from_file(int fd, const IndexIdentity& identity);
  static Result<SymbolIndex> from_memory(std::vector<uint8_t> bytes, const IndexIdentity& identity);

  [[nodiscard]] std::optional<IndexedSymbol> find(Vaddr address) const;
  [[nodiscard]] size_t size() const { return header_.entries; }
  // Heap bytes; a mapped file costs none.
  [[nodiscard]] size_t memory_bytes() const { return owned_.capacity(); }

 private:
  SymbolIndex() = default;
  Result<void> parse(Bytes bytes, const IndexIdentity& identity);
  [[nodiscard]] IndexEntry entry(size_t index) const;

  os::MappedFile file_;
  std::vector<uint8_t> owned_;
  IndexHeader header_;
  Bytes entries_;
  Bytes names_;
};

// The hash that IndexHeader::header_hash holds.
uint64_t header_hash(const IndexHeader& header);

}  // namespace gp::symbols
