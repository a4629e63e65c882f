#include "runtimes/python/symbols.h"

#include <elf.h>

#include <string_view>

namespace gp::runtimes::python {
namespace {

// Of two symbols of one name the first is kept: .dynsym is what the loader uses.
void keep_first(std::optional<Symbol>& slot, const Symbol& symbol) {
  if (!slot) slot = symbol;
}

void note(Symbols& found, std::string_view name, const Symbol& symbol) {
  // GCC splits a function into NAME and NAME.cold, BOLT into NAME and NAME.cold.0, .cold.1 and so on.
  constexpr std::string_view kCold = "_PyEval_EvalFrameDefault.cold";
  if (name == "_PyRuntime") {
    keep_first(found.runtime, symbol);
  } else if (name == "_PyEval_EvalFrameDefault") {
    keep_first(found.eval, symbol);
  } else if (name == "Py_Version") {
    keep_first(found.version, symbol);
  } else if (name == "PyCode_Type") {
    keep_first(found.code_type, symbol);
  } else if (name.starts_with(kCold)) {
    if (!found.eval_cold || found.eval_cold->size < symbol.size) found.eval_cold = symbol;
  }
}

void read_table(const elf::Image& image, const elf::Section& section, Symbols& found, std::optional<Symbol>& old_eval) {
  if (section.link >= image.sections().size()) return;
  const Bytes table = image.raw(section);
  const Bytes names = image.raw(image.sections()[section.link]);
  for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table.size(); at += sizeof(Elf64_Sym)) {
    const auto symbol = read_at<Elf64_Sym>(table, at);
    if (!symbol || symbol->st_shndx == SHN_UNDEF) continue;
    // All names of interest begin with "Py" or "_Py": most others are told by two bytes.
    const auto start = read_at<uint16_t>(names, symbol->st_name);
    if (start != uint16_t{'P' | 'y' << 8} && start != uint16_t{'_' | 'P' << 8}) continue;
    const auto name = string_at(names, symbol->st_name);
    if (!name) continue;
    const Symbol value{Vaddr{symbol->st_value}, symbol->st_size};
    note(found, *name, value);
    if (*name == "PyEval_EvalFrameEx") keep_first(old_eval, value);
  }
}

}  // namespace

Symbols find_symbols(const elf::Image& image) {
  Symbols found;
  std::optional<Symbol> old_eval;
  for (const auto& section : image.sections())
    if (section.type == SHT_DYNSYM) read_table(image, section, found, old_eval);
  // 3.10 and later put _PyRuntime in a section of its own (Include/internal/pycore_runtime.h), which names it even
  // when no symbol does.
  const auto* runtime = image.section(".PyRuntime");
  if (!found.any() && !old_eval && runtime == nullptr) return found;
  for (const auto& section : image.sections())
    if (section.type == SHT_SYMTAB) read_table(image, section, found, old_eval);
  if (!found.runtime && runtime != nullptr) found.runtime = Symbol{runtime->address, runtime->size};
  if (!found.eval) found.eval = old_eval;
  return found;
}

}  // namespace gp::runtimes::python
