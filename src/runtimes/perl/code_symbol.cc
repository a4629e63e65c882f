#include "runtimes/perl/code_symbol.h"

#include <string>

#include "bpf/abi/perl.h"
#include "runtimes/symbol_record.h"

namespace gp::runtimes::perl {
namespace {

// What has no name of its own. "(eval)" and "(unknown)" are caller()'s.
std::string_view name_of(uint32_t kind) {
  switch (kind) {
    case GP_PERL_FILE: return "main";
    case GP_PERL_EVAL: return "(eval)";
    case GP_PERL_SORT: return "(sort block)";
    default: return "(unknown)";
  }
}

// What the walker leaves of "(eval 7)".
constexpr std::string_view kEvaluated = "(eval ";

}  // namespace

std::optional<targets::CodeSymbol> decode_symbol(Bytes record) {
  auto symbol = read_symbol_record(record, GP_RUNTIME_PERL, nullptr);
  if (!symbol) return std::nullopt;
  targets::CodeSymbol out;  // without first_line: a frame that does not know its line has none
  out.name_known = symbol->name.has_value();
  if (symbol->name) {
    const bool named = symbol->table_format == GP_PERL_SUB && !symbol->name->empty();
    if (named && symbol->scope && !symbol->scope->empty()) out.name.append(*symbol->scope).append("::");
    out.name += named ? std::string_view(*symbol->name) : name_of(symbol->table_format);
  }
  if (symbol->file) out.file = symbol->file == kEvaluated ? "(eval)" : std::move(*symbol->file);
  return out;
}

}  // namespace gp::runtimes::perl
