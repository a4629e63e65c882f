#include "runtimes/python/code_symbol.h"

#include <algorithm>

#include "runtimes/symbol_record.h"

namespace gp::runtimes::python {
namespace {

// What follows the last "/NAME/" of a library directory: site-packages, dist-packages, pythonX.Y, python3.
std::optional<std::string_view> below_library(std::string_view file) {
  for (const std::string_view packages : {"/site-packages/", "/dist-packages/"}) {
    const auto at = file.rfind(packages);
    if (at != std::string_view::npos) return file.substr(at + packages.size());
  }
  constexpr std::string_view kPython = "/python";
  for (auto at = file.rfind(kPython); at != std::string_view::npos; at = at == 0 ? at : file.rfind(kPython, at - 1)) {
    const std::string_view rest = file.substr(at + kPython.size());
    const auto version = std::min(rest.find_first_not_of("0123456789."), rest.size());
    std::string_view behind = rest.substr(version);
    if (behind.starts_with("t/")) behind.remove_prefix(1);  // free-threaded
    if (version > 0 && behind.starts_with('/')) return behind.substr(1);
    if (at == 0) break;
  }
  return std::nullopt;
}

}  // namespace

std::string module_of(std::string_view file) {
  constexpr std::string_view kFrozen = "<frozen ";  // modules inside the interpreter: "<frozen importlib._bootstrap>"
  if (file.starts_with(kFrozen) && file.ends_with('>')) {
    file.remove_prefix(kFrozen.size());
    file.remove_suffix(1);
    return std::string(file);
  }
  if (file.starts_with('<')) return {};

  constexpr std::string_view kSuffix = ".py";
  constexpr std::string_view kPackage = "/__init__";
  if (file.ends_with(kSuffix)) file.remove_suffix(kSuffix.size());
  if (file.ends_with(kPackage)) file.remove_suffix(kPackage.size());
  const auto library = below_library(file);
  std::string module(library ? *library : file.substr(file.rfind('/') + 1));
  std::ranges::replace(module, '/', '.');
  return module;
}

std::optional<targets::CodeSymbol> decode_symbol(Bytes record, const targets::MemoryReader* memory) {
  auto symbol = read_symbol_record(record, GP_RUNTIME_PYTHON, memory);
  if (!symbol) return std::nullopt;
  targets::CodeSymbol out;
  out.first_line = symbol->first_line;
  out.name_known = symbol->name.has_value();
  out.line_table = std::move(symbol->table);
  out.table_format = symbol->table_format;
  if (symbol->name) {
    const std::string module = symbol->file && !symbol->file_truncated ? module_of(*symbol->file) : std::string();
    const std::string name = symbol->scope ? *symbol->scope + "." + *symbol->name : *symbol->name;
    out.name = module.empty() ? name : module + "." + name;
    // The frame that checks what __init__ returned has code of its own, called so (3.13, Python/specialize.c:
    // _Py_InitCleanup); no traceback shows it.
    out.internal = *symbol->name == "__init__" && !symbol->scope && symbol->file == "__init__";
  }
  if (symbol->file) out.file = std::move(*symbol->file);
  return out;
}

}  // namespace gp::runtimes::python
