#include "runtimes/ruby/symbols.h"

#include <elf.h>

#include <array>
#include <string_view>
#include <utility>

namespace gp::runtimes::ruby {
namespace {

using Named = std::pair<std::string_view, Vaddr Symbols::*>;

constexpr std::array<Named, 6> kNames = {{{"ruby_version", &Symbols::version},
                                          {"rb_cObject", &Symbols::object_class},
                                          {"rb_thread_current", &Symbols::thread_current},
                                          {"rb_id2str", &Symbols::id_to_string},
                                          {"ruby_current_execution_context_ptr", &Symbols::current_context},
                                          {"ruby_current_vm_ptr", &Symbols::current_vm}}};

void note(Symbols& found, std::string_view name, Vaddr address) {
  for (const auto& [wanted, slot] : kNames)
    if (name == wanted) found.*slot = address;
}

void read_table(const elf::Image& image, const elf::Section& section, Symbols& found) {
  if (section.link >= image.sections().size()) return;
  const Bytes table = image.raw(section);
  const Bytes names = image.raw(image.sections()[section.link]);
  for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.size(); at += sizeof(Elf64_Sym)) {
    const auto symbol = read_at<Elf64_Sym>(table, at);
    if (!symbol || symbol->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol->st_info) == STT_TLS) continue;
    // All names of interest begin with "rb" or "ru": most others are told by two bytes.
    const auto start = read_at<uint16_t>(names, symbol->st_name);
    if (start != uint16_t{'r' | 'b' << 8} && start != uint16_t{'r' | 'u' << 8}) continue;
    if (const auto name = string_at(names, symbol->st_name)) note(found, *name, Vaddr{symbol->st_value});
  }
}

}  // namespace

Symbols find_symbols(const elf::Image& image) {
  Symbols found;
  for (const auto& section : image.sections())
    if (section.type == SHT_DYNSYM) read_table(image, section, found);
  return found;
}

}  // namespace gp::runtimes::ruby
