#include "elf/symbol_table.h"

#include <elf.h>
#include <string.h>

#include <algorithm>
#include <array>

namespace gp::elf {
namespace {

constexpr uint64_t kMaxDynamicEntries = 1U << 16;

struct DynamicInfo {
  Vaddr symbols;
  Vaddr names;
  uint64_t names_bytes = 0;
  Vaddr hash;
  Vaddr gnu_hash;
};

DynamicInfo dynamic_info(const Image& image) {
  DynamicInfo info;
  for (const Segment& segment : image.segments()) {
    if (segment.type != PT_DYNAMIC) continue;
    ByteReader reader(slice(image.bytes(), segment.offset.value, segment.file_size).value_or(Bytes()));
    for (uint64_t i = 0; i < kMaxDynamicEntries && reader.remaining() >= sizeof(Elf64_Dyn); ++i) {
      const auto entry = reader.read<Elf64_Dyn>();
      const uint64_t value = entry.d_un.d_val;
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_SYMTAB) info.symbols = {value};
      if (entry.d_tag == DT_STRTAB) info.names = {value};
      if (entry.d_tag == DT_STRSZ) info.names_bytes = value;
      if (entry.d_tag == DT_HASH) info.hash = {value};
      if (entry.d_tag == DT_GNU_HASH) info.gnu_hash = {value};
    }
  }
  return info;
}

// Number of dynamic symbols by the hash tables, which are all that tells it without section headers.
// GNU hash: header {buckets, first hashed symbol, bloom words, bloom shift}, bloom (8 bytes each), buckets, chain;
// the chain of the highest bucket ends at an odd value (binutils, bfd/elflink.c; glibc, elf/dl-lookup.c).
uint64_t dynamic_symbol_count(const Image& image, const DynamicInfo& info) {
  if (info.hash.value != 0) return read_at<uint32_t>(image.bytes_at(info.hash), 4).value_or(0);
  const Bytes table = info.gnu_hash.value != 0 ? image.bytes_at(info.gnu_hash) : Bytes();
  ByteReader header(table);
  const uint64_t buckets = header.read<uint32_t>();
  const uint64_t first = header.read<uint32_t>();
  const uint64_t buckets_at = 16 + 8 * uint64_t{header.read<uint32_t>()};
  uint64_t last = 0;
  for (uint64_t i = 0; i < buckets; ++i) {
    const auto bucket = read_at<uint32_t>(table, buckets_at + 4 * i);
    if (!bucket) return 0;
    last = std::max<uint64_t>(last, *bucket);
  }
  if (last < first) return first;
  while (true) {
    const auto hash = read_at<uint32_t>(table, buckets_at + 4 * (buckets + last - first));
    if (!hash) return 0;
    ++last;
    if ((*hash & 1U) != 0) return last;
  }
}

bool is_mapping_symbol(std::string_view name) {
  return name.size() >= 2 && name[0] == '$' && std::string_view("axdt").find(name[1]) != std::string_view::npos &&
         (name.size() == 2 || name[2] == '.');
}

std::optional<SymbolRank> rank_of(uint8_t info) {
  const unsigned type = ELF64_ST_TYPE(info);
  if (type == STT_NOTYPE) return SymbolRank::kUntyped;
  if (type != STT_FUNC && type != STT_GNU_IFUNC) return std::nullopt;
  switch (ELF64_ST_BIND(info)) {
    case STB_GLOBAL:
    case STB_GNU_UNIQUE: return SymbolRank::kGlobal;
    case STB_LOCAL: return SymbolRank::kLocal;
    default: return SymbolRank::kWeak;
  }
}

}  // namespace

SymbolTable SymbolTable::of_section(const Image& image, uint32_t type) {
  for (const Section& section : image.sections()) {
    if (section.type != type || section.link >= image.sections().size()) continue;
    const Section& names = image.sections()[section.link];
    if (names.type == SHT_STRTAB) return {image.raw(section), image.raw(names)};
  }
  return {};
}

SymbolTable SymbolTable::full(const Image& image) { return of_section(image, SHT_SYMTAB); }

SymbolTable SymbolTable::dynamic(const Image& image) {
  static_assert(kSymbolBytes == sizeof(Elf64_Sym));
  SymbolTable table = of_section(image, SHT_DYNSYM);
  if (table.size() > 0) return table;
  const DynamicInfo info = dynamic_info(image);
  if (info.symbols.value == 0 || info.names.value == 0) return {};
  const Bytes symbols = image.bytes_at(info.symbols);
  const Bytes names = image.bytes_at(info.names);
  const uint64_t count = std::min<uint64_t>(dynamic_symbol_count(image, info), symbols.size() / kSymbolBytes);
  return {symbols.first(count * kSymbolBytes), names.first(std::min<uint64_t>(info.names_bytes, names.size()))};
}

std::optional<std::string_view> SymbolTable::name(size_t index) const {
  const auto symbol = read_at<Elf64_Sym>(symbols_, index * kSymbolBytes);
  if (!symbol) return std::nullopt;
  return string_at(names_, symbol->st_name);
}

bool SymbolTable::mentions(std::string_view text) const {
  constexpr size_t kMaxNames = 1U << 20U;
  return !names_.empty() && names_.size() <= kMaxNames &&
         ::memmem(names_.data(), names_.size(), text.data(), text.size()) != nullptr;
}

std::optional<FunctionSymbol> SymbolTable::function(size_t index) const {
  const auto symbol = read_at<Elf64_Sym>(symbols_, index * kSymbolBytes);
  if (!symbol || symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS) return std::nullopt;
  const auto rank = rank_of(symbol->st_info);
  if (!rank) return std::nullopt;
  const auto text = string_at(names_, symbol->st_name);
  if (!text || is_mapping_symbol(*text)) return std::nullopt;
  const std::string_view name = text->substr(0, text->find('@'));  // "memcpy@@GLIBC_2.14" in .symtab
  if (name.empty()) return std::nullopt;
  return FunctionSymbol{{symbol->st_value}, symbol->st_size, name, *rank};
}

}  // namespace gp::elf
