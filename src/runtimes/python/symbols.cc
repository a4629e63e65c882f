#include "runtimes/python/symbols.h"

#include <array>
#include <string_view>

#include "runtimes/code.h"

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
  } else if (name == "PyInstance_Type") {
    keep_first(found.instance_type, symbol);
  } else if (name.starts_with(kCold)) {
    if (!found.eval_cold || found.eval_cold->size < symbol.size) found.eval_cold = symbol;
  }
}

// Names that count only where the newer ones are missing.
struct OldSymbols {
  std::optional<Symbol> eval;   // PyEval_EvalFrameEx
  std::optional<Symbol> heads;  // PyInterpreterState_Head
};

void read(const elf::Image& image, SymbolSection section, Symbols& found, OldSymbols& old) {
  constexpr std::array<std::string_view, 2> kStarts = {"Py", "_Py"};
  each_symbol(image, section, kStarts, [&](std::string_view name, const Symbol& symbol) {
    note(found, name, symbol);
    if (name == "PyEval_EvalFrameEx") keep_first(old.eval, symbol);
    if (name == "PyInterpreterState_Head") keep_first(old.heads, symbol);
  });
}

}  // namespace

Symbols find_symbols(const elf::Image& image) {
  Symbols found;
  OldSymbols old;
  read(image, SymbolSection::kDynamic, found, old);
  // 3.10 and later put _PyRuntime in a section of its own (Include/internal/pycore_runtime.h), which names it even
  // when no symbol does.
  const auto* runtime = image.section(".PyRuntime");
  if (!found.any() && !old.eval && runtime == nullptr) return found;
  read(image, SymbolSection::kFull, found, old);
  if (!found.runtime && runtime != nullptr) found.runtime = Symbol{runtime->address, runtime->size};
  if (!found.eval) found.eval = old.eval;
  // The list of interpreters has no name of its own in files without .symtab.
  if (!found.runtime && old.heads)
    if (const auto list = returned_variable(image, old.heads->address)) found.runtime = Symbol{*list, sizeof(uint64_t)};
  return found;
}

}  // namespace gp::runtimes::python
