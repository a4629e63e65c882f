#include "runtimes/php/function_symbol.h"

#include <string>

#include "runtimes/symbol_record.h"

namespace gp::runtimes::php {
namespace {

// As phpspy and debug_backtrace() have none, and as the old agent's "main FILE:LINE".
constexpr std::string_view kFileCode = "main";

// A class without a name is called "class@anonymous", a zero byte, where it was defined, "$" and a hexadecimal number
// (zend_generate_anon_class_name(), Zend/zend_compile.c); from 8.4 on closures have that in their name, too. What
// follows the zero byte is left out.
std::string readable(std::string_view name) {
  const auto zero = name.find('\0');
  if (zero == std::string_view::npos) return std::string(name);
  const auto number = name.find('$', zero);
  const auto rest = number == std::string_view::npos ? number : name.find_first_not_of("0123456789abcdef", number + 1);
  std::string text(name.substr(0, zero));
  if (rest != std::string_view::npos) text += name.substr(rest);
  std::erase(text, '\0');
  return text;
}

}  // namespace

std::optional<targets::CodeSymbol> decode_symbol(Bytes record) {
  auto symbol = read_symbol_record(record, GP_RUNTIME_PHP, nullptr);
  if (!symbol) return std::nullopt;
  targets::CodeSymbol out;  // without first_line: a frame that does not know its line has none
  out.name_known = symbol->name.has_value();
  if (symbol->name) {
    const std::string name = readable(*symbol->name);
    const std::string scope = symbol->scope ? readable(*symbol->scope) : std::string();
    // What a method includes or evaluates has the method's class as scope (ZEND_INCLUDE_OR_EVAL, Zend/zend_vm_def.h), and is
    // no method of it.
    if (!scope.empty() && !name.empty()) out.name.append(scope).append("::");
    out.name += name.empty() ? kFileCode : std::string_view(name);
  }
  if (symbol->file) out.file = std::move(*symbol->file);
  return out;
}

}  // namespace gp::runtimes::php
