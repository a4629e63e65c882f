#include "runtimes/python/symbols.h"

#include <array>
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

// The variable that a function of "mov variable(%rip), %rax; ret" returns: the list of interpreters has no name of its
// own in files without .symtab. REX.W 8B /r with mod 00, rm 101: Intel SDM volume 2.
std::optional<Symbol> returned_variable(const elf::Image& image, const Symbol& function) {
  Bytes code = image.bytes_at(function.address);
  constexpr uint32_t kEndbr64 = 0xfa1e0ff3;
  const size_t start = read_at<uint32_t>(code, 0) == kEndbr64 ? 4 : 0;
  const auto distance = read_at<int32_t>(code, start + 3);
  if (!distance || read_at<uint16_t>(code, start) != 0x8b48 || code[start + 2] != 0x05) return std::nullopt;
  if (code.size() < start + 8 || code[start + 7] != 0xc3) return std::nullopt;
  return Symbol{function.address + (start + 7 + static_cast<uint64_t>(int64_t{*distance})), sizeof(uint64_t)};
}

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
  if (!found.runtime && old.heads) found.runtime = returned_variable(image, *old.heads);
  return found;
}

}  // namespace gp::runtimes::python
