#include "runtimes/symbols.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace gp::runtimes {
namespace {

constexpr size_t kStartBytes = 4;

bool starts_with_any(Bytes names, uint32_t at, std::span<const std::string_view> starts) {
  const auto begin = read_at<std::array<char, kStartBytes>>(names, at);
  if (!begin) return false;
  const std::string_view text(begin->data(), begin->size());
  return std::ranges::any_of(starts, [text](std::string_view start) { return text.starts_with(start); });
}

}  // namespace

void each_symbol(const elf::Image& image, SymbolSection which, std::span<const std::string_view> starts,
                 const std::function<void(std::string_view, const Symbol&)>& visit) {
  const uint32_t type = which == SymbolSection::kDynamic ? SHT_DYNSYM : SHT_SYMTAB;
  for (const auto& section : image.sections()) {
    if (section.type != type || section.link >= image.sections().size()) continue;
    const Bytes table = image.raw(section);
    const Bytes names = image.raw(image.sections()[section.link]);
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.size(); at += sizeof(Elf64_Sym)) {
      const auto symbol = read_at<Elf64_Sym>(table, at);
      if (!symbol || symbol->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol->st_info) == STT_TLS) continue;
      if (!starts_with_any(names, symbol->st_name, starts)) continue;
      if (const auto name = string_at(names, symbol->st_name))
        visit(*name, {.address = Vaddr{symbol->st_value}, .size = symbol->st_size});
    }
  }
}

}  // namespace gp::runtimes
