#include "runtimes/lua/lines.h"

#include "base/bytes.h"
#include "bpf/abi/lua.h"

namespace gp::runtimes::lua {
namespace {

struct Place {
  int32_t instruction;
  int32_t line;
};

constexpr int8_t kIsPlace = -0x80;  // ABSLINEINFO, ldebug.h: the line is in abslineinfo

// From the last known place on, each instruction has how many lines it is behind the one before (ldebug.c:
// luaG_getfuncline). Which version it is decides nothing but how far apart places are.
uint32_t line_of_deltas(Bytes table, uint32_t instruction) {
  const auto head = read_at<gp_lua_lines>(table, 0);
  if (!head) return 0;
  const auto places = slice(table, sizeof(*head), head->places_stored);
  const auto deltas = slice(table, sizeof(*head) + uint64_t{head->places_stored}, head->lines_stored);
  if (!places || !deltas || instruction >= deltas->size()) return 0;

  uint32_t from = 0;
  int64_t line = head->first_line;
  for (size_t at = 0; at + sizeof(Place) <= places->size(); at += sizeof(Place)) {
    const auto place = read_at<Place>(*places, at);
    if (!place || place->instruction < 0 || static_cast<uint32_t>(place->instruction) > instruction) break;
    from = static_cast<uint32_t>(place->instruction) + 1;
    line = place->line;
  }
  for (uint32_t i = from; i <= instruction; ++i) {
    const auto delta = static_cast<int8_t>((*deltas)[i]);
    if (delta == kIsPlace) return 0;  // of which there is none: it was not stored
    line += delta;
  }
  return line > 0 && line <= INT32_MAX ? static_cast<uint32_t>(line) : 0;
}

}  // namespace

uint32_t line_at(const targets::CodeSymbol& symbol, uint32_t where) {
  if (symbol.line_table.empty()) return symbol.table_format != 0 ? 0 : where;
  return line_of_deltas(symbol.line_table, where);
}

}  // namespace gp::runtimes::lua
