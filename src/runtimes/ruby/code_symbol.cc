#include "runtimes/ruby/code_symbol.h"

#include <array>

#include "bpf/abi/ruby.h"
#include "bpf/abi/sample.h"
#include "runtimes/ruby/lines.h"
#include "runtimes/symbol_record.h"

namespace gp::runtimes::ruby {
namespace {

// Where the method's own name begins: behind the parts that compile.c puts in front of it, one or more.
size_t method_at(std::string_view label) {
  constexpr std::array<std::string_view, 3> kParts = {"block", "rescue", "ensure"};
  constexpr std::string_view kIn = " in ";
  size_t at = 0;
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view part : kParts) {
      if (!label.substr(at).starts_with(part)) continue;
      std::string_view rest = label.substr(at + part.size());
      size_t skipped = part.size();
      // "block (2 levels) in run"
      if (rest.starts_with(" (")) {
        const size_t close = rest.find(')');
        if (close == std::string_view::npos) continue;
        skipped += close + 1;
        rest.remove_prefix(close + 1);
      }
      if (!rest.starts_with(kIn)) continue;
      at += skipped + kIn.size();
      found = true;
      break;
    }
  }
  return at;
}

// "<main>", "<class:Foo>", "<top (required)>": code that is no method; unlike "<", "<=>" and "<<".
bool is_no_method(std::string_view name) {
  return name.size() > 1 && name[0] == '<' && name[1] >= 'a' && name[1] <= 'z';
}

// Names of Ruby's own classes lie in its file: a process just forked has them as soon as they are read.
std::optional<std::string> late_scope(const gp_ruby_lines& lines, const targets::MemoryReader* memory) {
  if (memory == nullptr || lines.scope_address == 0 || lines.scope_bytes > GP_SYMBOL_NAME_MAX) return std::nullopt;
  std::string scope(lines.scope_bytes, '\0');
  if (!memory->read(Pc{lines.scope_address}, {reinterpret_cast<uint8_t*>(scope.data()), scope.size()}))
    return std::nullopt;
  return scope;
}

}  // namespace

std::string qualified(std::string_view label, std::string_view scope, bool is_singleton) {
  const size_t at = method_at(label);
  const std::string_view method = label.substr(at);
  if (scope.empty() || method.empty() || is_no_method(method)) return std::string(label);
  std::string out(label.substr(0, at));
  out += scope;
  out += is_singleton ? '.' : '#';
  out += method;
  return out;
}

std::optional<targets::CodeSymbol> decode_symbol(Bytes record, const targets::MemoryReader* memory) {
  auto symbol = read_symbol_record(record, GP_RUNTIME_RUBY, nullptr);
  if (!symbol) return std::nullopt;
  targets::CodeSymbol out;
  if (const auto head = read_at<gp_symbol>(record, 0); head && head->object == GP_RUBY_COLLECTING) {
    out.name = "(garbage collection)";
    out.name_known = true;
    return out;
  }
  const auto lines = read_at<gp_ruby_lines>(symbol->table, 0);
  if (!symbol->name && lines && lines->literal > 0 && lines->literal <= kLiterals.size())
    symbol->name = kLiterals.at(lines->literal - 1U);
  if (!symbol->scope && lines) symbol->scope = late_scope(*lines, memory);
  out.first_line = symbol->first_line;
  out.name_known = symbol->name.has_value();
  if (symbol->name) out.name = qualified(*symbol->name, symbol->scope.value_or(""), lines && lines->is_singleton != 0);
  if (symbol->file) out.file = std::move(*symbol->file);
  out.line_table = complete_lines(symbol->table, memory);
  return out;
}

}  // namespace gp::runtimes::ruby
