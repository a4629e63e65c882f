#include "runtimes/lua/luajit_symbol.h"

#include <gtest/gtest.h>

#include <string_view>

#include "bpf/abi/luajit.h"
#include "runtimes/lua/luajit_runtime.h"

namespace gp::runtimes::lua {
namespace {

Bytes bytes_of(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

struct Parts {
  uint32_t format = 0;
  std::string_view name{};
  std::string_view file = "@a.lua";
  uint32_t first_line = 12;
  uint32_t position = 0;
  std::string_view names{};
};

std::optional<targets::CodeSymbol> decoded(const Parts& parts) {
  gp_symbol head{};
  head.header.type = GP_RECORD_SYMBOL;
  head.runtime = GP_RUNTIME_LUAJIT;
  head.first_line = parts.first_line;
  head.table_format = parts.format;
  std::vector<uint8_t> record(sizeof(head));
  const auto append = [&](Bytes bytes) { record.insert(record.end(), bytes.begin(), bytes.end()); };
  const auto text = [&](gp_symbol_text& to, std::string_view what) {
    to.bytes = static_cast<uint32_t>(what.size());
    to.width = what.empty() ? 0 : GP_TEXT_UTF8;
    append(bytes_of(what));
  };
  text(head.name, parts.name);
  text(head.file, parts.file);
  if (!parts.names.empty()) {
    const gp_luajit_names names{.position = parts.position, .stored = static_cast<uint32_t>(parts.names.size())};
    append({reinterpret_cast<const uint8_t*>(&names), sizeof(names)});
    append(bytes_of(parts.names));
    head.table_bytes = head.table_stored = static_cast<uint32_t>(sizeof(names) + parts.names.size());
  }
  head.header.size = static_cast<uint32_t>(record.size());
  std::memcpy(record.data(), &head, sizeof(head));
  return LuajitRuntime().decode(record, nullptr);
}

// Two variables, a loop's hidden three and its own, one in a block: name, first instruction since the last, how many.
constexpr std::string_view kLocals{
    "first\0\x02\x80\x01"
    "second\0\x01\x20"
    "\x01\x01\x08\x02\0\x08\x03\0\x08"
    "i\0\x01\x06\0",
    32};

TEST(LuajitSymbol, VariablesAreThoseThatLiveAtTheInstruction) {
  EXPECT_EQ(luajit_local(bytes_of(kLocals), 1, 0), "");
  EXPECT_EQ(luajit_local(bytes_of(kLocals), 2, 0), "first");
  EXPECT_EQ(luajit_local(bytes_of(kLocals), 3, 1), "second");
  EXPECT_EQ(luajit_local(bytes_of(kLocals), 5, 2), "");  // the loop's
  EXPECT_EQ(luajit_local(bytes_of(kLocals), 5, 5), "i");
  EXPECT_EQ(luajit_local(bytes_of(kLocals), 40, 1), "");
  EXPECT_EQ(luajit_local(bytes_of(kLocals), 129, 0), "first");
  EXPECT_EQ(luajit_local(bytes_of(kLocals), 130, 0), "");
  for (size_t size = 0; size < kLocals.size(); ++size) luajit_local(bytes_of(kLocals).first(size), 5, 5);
}

TEST(LuajitSymbol, UpvaluesAreCounted) {
  constexpr std::string_view kUpvalues{"one\0two\0", 8};
  EXPECT_EQ(luajit_upvalue(bytes_of(kUpvalues), 0), "one");
  EXPECT_EQ(luajit_upvalue(bytes_of(kUpvalues), 1), "two");
  EXPECT_EQ(luajit_upvalue(bytes_of(kUpvalues), 2), "");
  EXPECT_EQ(luajit_upvalue(bytes_of(kUpvalues).first(7), 1), "");  // cut
}

TEST(LuajitSymbol, NamesAreThoseOfTheCall) {
  const auto name = [](uint32_t named, uint32_t operand, Parts parts = {}) {
    parts.format = GP_LUAJIT_FORMAT(1, 0, named, operand);
    return decoded(parts)->name;
  };
  EXPECT_EQ(name(GP_LUAJIT_BY_CONSTANT, 0, {.name = "gsub"}), "gsub");
  EXPECT_EQ(name(GP_LUAJIT_BY_LOCAL, 1, {.position = 3, .names = kLocals}), "second");
  EXPECT_EQ(name(GP_LUAJIT_BY_LOCAL, 9, {.position = 3, .names = kLocals}), "function <a.lua:12>");
  EXPECT_EQ(name(GP_LUAJIT_BY_UPVALUE, 0, {.names = std::string_view("up\0", 3)}), "up");
  EXPECT_EQ(name(GP_LUAJIT_ITERATOR, 0), "for iterator");
  EXPECT_EQ(name(GP_LUAJIT_EVENT, 34), "__mul");
  EXPECT_EQ(name(GP_LUAJIT_EVENT, 37), "__pow");
  EXPECT_EQ(name(GP_LUAJIT_EVENT, 38), "__concat");
  EXPECT_EQ(name(GP_LUAJIT_EVENT, 57), "__index");
  EXPECT_EQ(name(GP_LUAJIT_EVENT, 90), "metamethod");
  EXPECT_EQ(name(GP_LUAJIT_UNNAMED, 0), "function <a.lua:12>");
}

TEST(LuajitSymbol, FilesAndWhatCouldNotBeReadAreTold) {
  EXPECT_EQ(decoded({.format = GP_LUAJIT_FORMAT(1, 1, GP_LUAJIT_UNNAMED, 0)})->name, "main chunk");
  EXPECT_EQ(decoded({.format = GP_LUAJIT_FORMAT(0, 0, GP_LUAJIT_UNNAMED, 0)})->name, "?");
  EXPECT_FALSE(decoded({.format = GP_LUAJIT_FORMAT(1, 0, GP_LUAJIT_BY_CONSTANT, 0)})->name_known);
  EXPECT_EQ(decoded({})->file, "a.lua");
  EXPECT_FALSE(LuajitRuntime().decode({}, nullptr));
}

}  // namespace
}  // namespace gp::runtimes::lua
