#include "runtimes/lua/function_symbol.h"

#include <gtest/gtest.h>

#include "bpf/abi/lua.h"
#include "runtimes/lua/ident.h"
#include "runtimes/lua/lines.h"

namespace gp::runtimes::lua {
namespace {

std::vector<uint8_t> record_with(std::string_view name, std::string_view file, uint32_t first_line, uint32_t format) {
  gp_symbol symbol{};
  symbol.header = {GP_RECORD_SYMBOL, static_cast<uint32_t>(sizeof(symbol) + name.size() + file.size())};
  symbol.runtime = GP_RUNTIME_LUA;
  symbol.first_line = first_line;
  symbol.table_format = format;
  symbol.name = {.bytes = static_cast<uint32_t>(name.size()), .width = GP_TEXT_UTF8, .ascii = 0, .truncated = 0};
  symbol.file = {.bytes = static_cast<uint32_t>(file.size()), .width = GP_TEXT_UTF8, .ascii = 0, .truncated = 0};
  std::vector<uint8_t> bytes(sizeof(symbol));
  std::memcpy(bytes.data(), &symbol, sizeof(symbol));
  bytes.insert(bytes.end(), name.begin(), name.end());
  bytes.insert(bytes.end(), file.begin(), file.end());
  return bytes;
}

std::string name_of(uint16_t version, gp_lua_named named, uint32_t op = 0, uint32_t operand = 0,
                    uint32_t first_line = 7) {
  const auto record = record_with("burn", "@a.lua", first_line, GP_LUA_FORMAT(version, 1, named, op, operand));
  return decode_symbol(record).value_or(targets::CodeSymbol{}).name;
}

TEST(LuaSymbol, IsNamedByItsCall) {
  EXPECT_EQ(name_of(GP_LUA_54, GP_LUA_BY_CALL), "burn");
  EXPECT_EQ(name_of(GP_LUA_54, GP_LUA_UNNAMED), "function <a.lua:7>");
  EXPECT_EQ(name_of(GP_LUA_54, GP_LUA_UNNAMED, 0, 0, 0), "main chunk");
  EXPECT_EQ(name_of(GP_LUA_51, GP_LUA_ITERATOR), "for iterator");
  EXPECT_EQ(name_of(GP_LUA_54, GP_LUA_FINALIZER), "__gc");
}

// lopcodes.h of each version.
TEST(LuaSymbol, NamesMetamethodsByTheInstruction) {
  EXPECT_EQ(name_of(GP_LUA_54, GP_LUA_EVENT, 14), "__index");   // GETFIELD
  EXPECT_EQ(name_of(GP_LUA_54, GP_LUA_EVENT, 46, 6), "__add");  // MMBIN, TM_ADD
  EXPECT_EQ(name_of(GP_LUA_54, GP_LUA_EVENT, 46, 77), "metamethod");
  EXPECT_EQ(name_of(GP_LUA_54, GP_LUA_EVENT, 53), "__concat");
  EXPECT_EQ(name_of(GP_LUA_55, GP_LUA_EVENT, 53), "__concat");
  EXPECT_EQ(name_of(GP_LUA_53, GP_LUA_EVENT, 13), "__add");
  EXPECT_EQ(name_of(GP_LUA_53, GP_LUA_EVENT, 26), "__bnot");
  EXPECT_EQ(name_of(GP_LUA_53, GP_LUA_EVENT, 33), "__le");
  EXPECT_EQ(name_of(GP_LUA_51, GP_LUA_EVENT, 12), "__add");
  EXPECT_EQ(name_of(GP_LUA_52, GP_LUA_EVENT, 19), "__unm");
  EXPECT_EQ(name_of(GP_LUA_52, GP_LUA_EVENT, 22), "__concat");
  EXPECT_EQ(name_of(GP_LUA_52, GP_LUA_EVENT, 6), "__index");
  EXPECT_EQ(name_of(GP_LUA_51, GP_LUA_EVENT, 17), "__pow");
  EXPECT_EQ(name_of(GP_LUA_51, GP_LUA_EVENT, 9), "__newindex");
}

TEST(LuaSymbol, ReadsChunkNames) {
  EXPECT_EQ(readable_source("@/usr/share/lua/5.4/größe.lua"), "/usr/share/lua/5.4/größe.lua");
  EXPECT_EQ(readable_source("=stdin"), "stdin");
  EXPECT_EQ(readable_source("return 1"), "[string \"return 1\"]");
  EXPECT_EQ(readable_source("a = 1\nb = 2"), "[string \"a = 1...\"]");
  EXPECT_EQ(readable_source(std::string(39, 'x') + "ö"), "[string \"" + std::string(39, 'x') + "...\"]");
  EXPECT_EQ(readable_source(""), "[string \"\"]");
}

// Deltas from the definition, or from the last known place (ldebug.c: luaG_getfuncline).
TEST(LuaLines, AreCountedFromTheLastPlace) {
  struct Place {
    int32_t instruction, line;
  };
  const Place place{3, 500};
  const std::array<int8_t, 6> deltas = {1, 0, 2, -128, -1, 4};
  const gp_lua_lines head{
      .places_stored = sizeof(place), .lines_stored = deltas.size(), .first_line = 10, .reserved = 0};
  targets::CodeSymbol symbol;
  symbol.line_table.resize(sizeof(head) + sizeof(place) + deltas.size());
  std::memcpy(symbol.line_table.data(), &head, sizeof(head));
  std::memcpy(symbol.line_table.data() + sizeof(head), &place, sizeof(place));
  std::memcpy(symbol.line_table.data() + sizeof(head) + sizeof(place), deltas.data(), deltas.size());
  const auto line = [&](uint32_t instruction) { return line_at(symbol, instruction); };
  EXPECT_EQ(line(0), 11U);
  EXPECT_EQ(line(2), 13U);
  EXPECT_EQ(line(3), 500U);
  EXPECT_EQ(line(4), 499U);
  EXPECT_EQ(line(5), 503U);
  EXPECT_EQ(line(6), 0U);  // there is none
  EXPECT_EQ(line(GP_LUA_NO_INSTRUCTION), 0U);
}

// A place that was not stored.
TEST(LuaLines, AreNotGuessed) {
  const std::array<int8_t, 3> deltas = {1, -128, 1};
  const gp_lua_lines head{.places_stored = 0, .lines_stored = deltas.size(), .first_line = 10, .reserved = 0};
  targets::CodeSymbol symbol;
  symbol.line_table.resize(sizeof(head) + deltas.size());
  std::memcpy(symbol.line_table.data(), &head, sizeof(head));
  std::memcpy(symbol.line_table.data() + sizeof(head), deltas.data(), deltas.size());
  EXPECT_EQ(line_at(symbol, 0), 11U);
  EXPECT_EQ(line_at(symbol, 1), 0U);
  EXPECT_EQ(line_at(symbol, 2), 0U);
}

TEST(LuaLines, Before54AreInTheFrame) { EXPECT_EQ(line_at({}, 42), 42U); }

TEST(LuaVersion, IsInTheNotice) {
  const auto version = [](std::string_view text) {
    return parse_ident({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  };
  EXPECT_EQ(version("$LuaVersion: Lua 5.4.4  Copyright")->number, GP_LUA_54);
  EXPECT_EQ(version("$LuaVersion: Lua 5.4.4  Copyright")->text, "5.4");
  EXPECT_EQ(version("$Lua: Lua 5.1.5 Copyright")->number, GP_LUA_51);
  EXPECT_EQ(version("$LuaVersion: Lua 5.5.0  Copyright")->text, "5.5");
  EXPECT_EQ(version("$LuaVersion: Lua 5.3.6")->number, GP_LUA_53);
  EXPECT_EQ(version("$LuaVersion: Lua 5.3.2")->number, 0);  // marks calls the other way round
  EXPECT_EQ(version("$LuaVersion: Lua 5.3.2")->text, "5.3.2");
  EXPECT_EQ(version("$LuaVersion: Lua 5.4")->text, "?");
  EXPECT_FALSE(version("LuaJIT 2.1.0"));
}

}  // namespace
}  // namespace gp::runtimes::lua
