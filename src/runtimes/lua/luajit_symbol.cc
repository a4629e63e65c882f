#include "runtimes/lua/luajit_symbol.h"

#include <array>

#include "bpf/abi/luajit.h"
#include "runtimes/lua/function_symbol.h"
#include "runtimes/symbol_record.h"

namespace gp::runtimes::lua {
namespace {

// Of the text up to the next zero, which is skipped; nothing when the bytes end before.
std::optional<std::string> take_name(ByteReader& reader) {
  std::string name;
  while (reader.remaining() > 0) {
    const auto c = reader.read<char>();
    if (c == 0) return name;
    name.push_back(c);
  }
  return std::nullopt;
}

// lj_buf.c: lj_buf_ruleb128.
uint32_t take_number(ByteReader& reader) {
  uint32_t value = 0;
  for (unsigned shift = 0; shift < 32 && reader.remaining() > 0; shift += 7) {
    const auto byte = reader.read<uint8_t>();
    value |= (byte & 0x7fU) << shift;
    if (byte < 0x80) break;
  }
  return value;
}

// Which metamethod an instruction calls (lj_bc.h: BCDEF).
std::string_view event_of(uint32_t op) {
  constexpr std::array<std::string_view, 6> kArithmetic = {"__add", "__sub", "__mul", "__div", "__mod", "__pow"};
  constexpr uint32_t kFirstArithmetic = 22;  // ADDVN; in groups of five
  constexpr uint32_t kPow = 37;
  if (op < 2) return "__lt";
  if (op < 4) return "__le";
  if (op < 12) return "__eq";
  if (op == 20) return "__unm";
  if (op == 21) return "__len";
  if (op >= kFirstArithmetic && op < kPow) return kArithmetic[(op - kFirstArithmetic) % 5];
  if (op == kPow) return kArithmetic[5];
  if (op == 38) return "__concat";
  if (op == 54 || (op >= 56 && op <= 59)) return "__index";
  if (op == 55 || (op >= 60 && op <= 64)) return "__newindex";
  return "metamethod";
}

// The name that a table of names leads to.
std::string looked_up(const SymbolRecord& symbol, uint32_t named, uint32_t operand) {
  const auto head = read_at<gp_luajit_names>(symbol.table, 0);
  if (!head) return {};
  const Bytes packed = Bytes(symbol.table).subspan(sizeof(*head));
  return named == GP_LUAJIT_BY_LOCAL ? luajit_local(packed, head->position, operand) : luajit_upvalue(packed, operand);
}

}  // namespace

std::string luajit_local(Bytes packed, uint32_t position, uint32_t slot) {
  constexpr uint8_t kFirstName = 7;  // VARNAME__MAX: smaller ones stand for hidden variables, 0 ends the list
  ByteReader reader(packed);
  uint32_t start = 0;
  while (reader.remaining() > 0) {
    const auto first = reader.read<uint8_t>();
    if (first == 0) break;
    std::string name;
    if (first >= kFirstName) {
      const auto rest = take_name(reader);
      if (!rest) break;
      name = static_cast<char>(first) + *rest;
    }
    if (reader.remaining() < 2) break;
    start += take_number(reader);
    const uint32_t end = start + take_number(reader);
    if (start > position) break;
    if (position >= end) continue;
    if (slot == 0) return name;
    --slot;
  }
  return {};
}

std::string luajit_upvalue(Bytes packed, uint32_t number) {
  ByteReader reader(packed);
  for (;; --number) {
    auto name = take_name(reader);
    if (!name) return {};
    if (number == 0) return *name;
  }
}

std::optional<targets::CodeSymbol> decode_luajit_symbol(Bytes record) {
  auto symbol = read_symbol_record(record, GP_RUNTIME_LUAJIT, nullptr);
  if (!symbol) return std::nullopt;
  const uint32_t format = symbol->table_format;
  const uint32_t operand = format >> 16U;
  const uint32_t named = format >> 8U & 0xffU;
  targets::CodeSymbol out;  // without first_line: a frame that does not know its line has none
  if (symbol->file) out.file = readable_source(*symbol->file);
  out.name_known = true;
  switch (named) {
    case GP_LUAJIT_BY_CONSTANT:
      out.name_known = symbol->name.has_value();
      if (symbol->name) out.name = std::move(*symbol->name);
      return out;
    case GP_LUAJIT_BY_LOCAL:
    case GP_LUAJIT_BY_UPVALUE: out.name = looked_up(*symbol, named, operand); break;
    case GP_LUAJIT_ITERATOR: out.name = "for iterator"; break;
    case GP_LUAJIT_EVENT: out.name = event_of(operand); break;
    default: break;
  }
  if (!out.name.empty()) return out;
  const bool is_lua = (format & 1U) != 0;
  const bool is_main = (format & 2U) != 0;
  out.name = !is_lua ? "?" : is_main ? "main chunk" : defined_at(out.file, symbol->first_line);
  return out;
}

}  // namespace gp::runtimes::lua
