#include "symbols/symbol_index.h"

#include <cstddef>

#include "base/hash.h"

namespace gp::symbols {

uint64_t header_hash(const IndexHeader& header) {
  return hash64(Bytes(reinterpret_cast<const uint8_t*>(&header), offsetof(IndexHeader, header_hash)));
}

Result<SymbolIndex> SymbolIndex::from_file(int fd, const IndexIdentity& identity) {
  SymbolIndex index;
  GP_ASSIGN(index.file_, os::MappedFile::map(fd));
  GP_TRY(index.parse(index.file_.bytes(), identity));
  return index;
}

Result<SymbolIndex> SymbolIndex::from_memory(std::vector<uint8_t> bytes, const IndexIdentity& identity) {
  SymbolIndex index;
  index.owned_ = std::move(bytes);
  GP_TRY(index.parse(index.owned_, identity));
  return index;
}

Result<void> SymbolIndex::parse(Bytes bytes, const IndexIdentity& identity) {
  const auto header = read_at<IndexHeader>(bytes, 0);
  if (!header || header->magic != IndexHeader::kMagic || header->version != IndexHeader::kVersion)
    return fail(ErrorCode::kMalformed, "not a symbol index of this version");
  if (header->header_hash != header_hash(*header)) return fail(ErrorCode::kMalformed, "symbol index: damaged header");
  const IndexIdentity has{{header->file_id_low, header->file_id_high}, header->debug_stamp};
  if (has != identity) return fail(ErrorCode::kNotFound, "symbol index of another file");

  const Bytes body = bytes.subspan(sizeof(IndexHeader));
  const uint64_t entries_bytes = uint64_t{header->entries} * sizeof(IndexEntry);
  if (entries_bytes > body.size() || body.size() - entries_bytes != header->names_bytes)
    return fail(ErrorCode::kMalformed, "symbol index: wrong size");
  if (hash64(body) != header->body_hash) return fail(ErrorCode::kMalformed, "symbol index: damaged");
  header_ = *header;
  entries_ = body.first(entries_bytes);
  names_ = body.subspan(entries_bytes);
  return {};
}

IndexEntry SymbolIndex::entry(size_t index) const {
  return read_at<IndexEntry>(entries_, index * sizeof(IndexEntry)).value_or(IndexEntry());
}

std::optional<IndexedSymbol> SymbolIndex::find(Vaddr address) const {
  if (address.value < header_.base || address.value - header_.base > UINT32_MAX) return std::nullopt;
  const auto relative = static_cast<uint32_t>(address.value - header_.base);
  size_t low = 0;  // entries before it start at or below the address
  for (size_t high = header_.entries; low < high;) {
    const size_t middle = low + (high - low) / 2;
    if (entry(middle).start <= relative) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return std::nullopt;
  const IndexEntry found = entry(low - 1);
  if (relative >= found.end) return std::nullopt;
  const auto name = string_at(names_, found.name & ~kUnsizedBit);
  if (!name || name->empty()) return std::nullopt;
  return IndexedSymbol{
      name->substr(0, kMaxNameBytes), {header_.base + found.function}, (found.name & kUnsizedBit) == 0};
}

}  // namespace gp::symbols
