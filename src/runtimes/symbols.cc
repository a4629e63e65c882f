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

bool imports(const elf::Image& image, std::string_view name) {
  for (const auto& section : image.sections()) {
    if (section.type != SHT_DYNSYM || section.link >= image.sections().size()) continue;
    const Bytes table = image.raw(section);
    const Bytes names = image.raw(image.sections()[section.link]);
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.size(); at += sizeof(Elf64_Sym)) {
      const auto symbol = read_at<Elf64_Sym>(table, at);
      if (!symbol || symbol->st_shndx != SHN_UNDEF) continue;
      const auto text = slice(names, symbol->st_name, name.size() + 1);
      if (text && text->back() == 0 && std::ranges::equal(text->first(name.size()), name)) return true;
    }
  }
  return false;
}

std::optional<Vaddr> address_slot(const elf::Image& image, std::string_view name) {
  if (image.machine() != elf::Machine::kX86_64) return std::nullopt;
  const auto& sections = image.sections();
  for (const auto& section : sections) {
    if (section.type != SHT_RELA || section.link >= sections.size()) continue;
    const auto& symbols = sections[section.link];
    if (symbols.type != SHT_DYNSYM || symbols.link >= sections.size()) continue;
    const Bytes table = image.raw(section);
    for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= table.size(); at += sizeof(Elf64_Rela)) {
      const auto entry = read_at<Elf64_Rela>(table, at);
      if (!entry || ELF64_R_TYPE(entry->r_info) != R_X86_64_GLOB_DAT) continue;
      const auto symbol = read_at<Elf64_Sym>(image.raw(symbols), ELF64_R_SYM(entry->r_info) * sizeof(Elf64_Sym));
      if (symbol && string_at(image.raw(sections[symbols.link]), symbol->st_name) == name)
        return Vaddr{entry->r_offset};
    }
  }
  return std::nullopt;
}

uint32_t relocation_of(const elf::Image& image, Vaddr word) {
  for (const auto& section : image.sections()) {
    if (section.type != SHT_RELA) continue;
    const Bytes table = image.raw(section);
    for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= table.size(); at += sizeof(Elf64_Rela)) {
      const auto entry = read_at<Elf64_Rela>(table, at);
      if (entry && entry->r_offset == word.value) return ELF64_R_TYPE(entry->r_info);
    }
  }
  return R_X86_64_NONE;
}

}  // namespace gp::runtimes
