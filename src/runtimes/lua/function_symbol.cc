#include "runtimes/lua/function_symbol.h"

#include <fmt/format.h>

#include <array>

#include "bpf/abi/lua.h"
#include "runtimes/symbol_record.h"

namespace gp::runtimes::lua {
namespace {

// Names of metamethods in the order of TMS (ltm.h); 5.3 and 5.4 are alike.
constexpr std::array<std::string_view, 25> kEvents = {
    "__index", "__newindex", "__gc",  "__mode", "__len",    "__eq",   "__add",  "__sub", "__mul",
    "__mod",   "__pow",      "__div", "__idiv", "__band",   "__bor",  "__bxor", "__shl", "__shr",
    "__unm",   "__bnot",     "__lt",  "__le",   "__concat", "__call", "__close"};
constexpr std::string_view kOther = "metamethod";

// Which event an instruction of 5.4 or 5.5 brings about (ldebug.c: funcnamefromcode; lopcodes.h).
std::string_view event_of_54(uint32_t op, uint32_t operand) {
  switch (op) {
    case 11:
    case 12:
    case 13:
    case 14:
    case 20: return "__index";
    case 15:
    case 16:
    case 17:
    case 18: return "__newindex";
    case 46:
    case 47:
    case 48: return operand < kEvents.size() ? kEvents[operand] : kOther;
    case 49: return "__unm";
    case 50: return "__bnot";
    case 52: return "__len";
    case 53: return "__concat";
    case 54:
    case 70: return "__close";
    case 57: return "__eq";
    case 58:
    case 62:
    case 64: return "__lt";
    case 59:
    case 63:
    case 65: return "__le";
    default: return kOther;
  }
}

// Of 5.3, where arithmetic has the order of the events.
std::string_view event_of_53(uint32_t op) {
  constexpr uint32_t kAdd = 13;
  constexpr uint32_t kBitNot = 26;
  constexpr size_t kAddEvent = 6;
  if (op >= kAdd && op <= kBitNot) return kEvents[kAddEvent + op - kAdd];
  switch (op) {
    case 6:
    case 7:
    case 12: return "__index";
    case 8:
    case 10: return "__newindex";
    case 28: return "__len";
    case 29: return "__concat";
    case 31: return "__eq";
    case 32: return "__lt";
    case 33: return "__le";
    default: return kOther;
  }
}

std::string_view event_of_52(uint32_t op) {
  constexpr std::array<std::string_view, 7> kArithmetic = {"__add", "__sub", "__mul", "__div",
                                                           "__mod", "__pow", "__unm"};
  constexpr uint32_t kAdd = 13;
  if (op >= kAdd && op < kAdd + kArithmetic.size()) return kArithmetic[op - kAdd];
  switch (op) {
    case 6:
    case 7:
    case 12: return "__index";
    case 8:
    case 10: return "__newindex";
    case 21: return "__len";
    case 22: return "__concat";
    case 24: return "__eq";
    case 25: return "__lt";
    case 26: return "__le";
    default: return kOther;
  }
}

std::string_view event_of_51(uint32_t op) {
  constexpr std::array<std::string_view, 6> kArithmetic = {"__add", "__sub", "__mul", "__div", "__mod", "__pow"};
  constexpr uint32_t kAdd = 12;
  if (op >= kAdd && op < kAdd + kArithmetic.size()) return kArithmetic[op - kAdd];
  switch (op) {
    case 5:
    case 6:
    case 11: return "__index";
    case 7:
    case 9: return "__newindex";
    case 18: return "__unm";
    case 20: return "__len";
    case 21: return "__concat";
    case 23: return "__eq";
    case 24: return "__lt";
    case 25: return "__le";
    default: return kOther;
  }
}

std::string_view event_of(uint32_t format) {
  const uint32_t version = 0x500U | (format & 0xfU);
  const uint32_t op = format >> 16U & 0xffU;
  if (version >= GP_LUA_54) return event_of_54(op, format >> 24U);
  if (version == GP_LUA_52) return event_of_52(op);
  return version == GP_LUA_53 ? event_of_53(op) : event_of_51(op);
}

}  // namespace

std::string defined_at(std::string_view file, uint32_t line) {
  return fmt::format("function <{}:{}>", file.empty() ? "?" : file, line);
}

std::string readable_source(std::string_view source) {
  constexpr size_t kShown = 40;
  if (source.starts_with('@') || source.starts_with('=')) return std::string(source.substr(1));
  const auto line = source.substr(0, source.find('\n'));
  const bool whole = line.size() == source.size() && line.size() <= kShown;
  size_t cut = std::min(line.size(), kShown);
  while (cut < line.size() && cut > 0 && (static_cast<uint8_t>(line[cut]) & 0xc0U) == 0x80)
    --cut;  // not inside a character
  return fmt::format("[string \"{}{}\"]", line.substr(0, cut), whole ? "" : "...");
}

std::optional<targets::CodeSymbol> decode_symbol(Bytes record) {
  auto symbol = read_symbol_record(record, GP_RUNTIME_LUA, nullptr);
  if (!symbol) return std::nullopt;
  const uint32_t format = symbol->table_format;
  const bool is_lua = (format & 0x10U) != 0;
  targets::CodeSymbol out;  // without first_line: a frame that does not know its line has none
  if (symbol->file) out.file = readable_source(*symbol->file);
  out.line_table = std::move(symbol->table);
  out.table_format = (0x500U | (format & 0xfU)) >= GP_LUA_54 ? 1 : 0;
  out.name_known = true;
  switch (format >> 8U & 0xffU) {
    case GP_LUA_BY_CALL:
      out.name_known = symbol->name.has_value();
      if (symbol->name) out.name = std::move(*symbol->name);
      return out;
    case GP_LUA_ITERATOR: out.name = "for iterator"; return out;
    case GP_LUA_EVENT: out.name = event_of(format); return out;
    case GP_LUA_FINALIZER: out.name = "__gc"; return out;
    default: break;
  }
  out.name = !is_lua ? "?" : symbol->first_line == 0 ? "main chunk" : defined_at(out.file, symbol->first_line);
  return out;
}

}  // namespace gp::runtimes::lua
