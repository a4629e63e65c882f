#include "runtimes/symbol_record.h"

#include <gtest/gtest.h>

#include <cstring>

namespace gp::runtimes {
namespace {

std::string utf8(const std::vector<uint8_t>& bytes, unsigned width) { return to_utf8(bytes, width); }

TEST(ToUtf8, ConvertsEveryWidth) {
  EXPECT_EQ(utf8({'a', 0xdf}, 1), "aß");
  EXPECT_EQ(utf8({0x3c, 0x04, 'b', 0}, 2), "мb");
  EXPECT_EQ(utf8({0xb7, 0x0b, 0x02, 0x00}, 4), "𠮷");
  EXPECT_EQ(utf8({0x00, 0xd8}, 2), "\uFFFD");              // half a surrogate pair
  EXPECT_EQ(utf8({0xff, 0xff, 0xff, 0xff}, 4), "\uFFFD");  // beyond Unicode
  EXPECT_EQ(utf8({'a', 0, 'b'}, 2), "a");                  // half a character
}

// A record with those texts, the first of that width.
std::vector<uint8_t> record(const std::string& name, const std::string& file, const std::string& scope, uint8_t width) {
  gp_symbol head{};
  const std::string text = name + file + scope;
  head.header.type = GP_RECORD_SYMBOL;
  head.header.size = static_cast<uint32_t>(sizeof(head) + text.size());
  head.runtime = GP_RUNTIME_RUBY;
  head.name = {.bytes = static_cast<uint32_t>(name.size()), .width = width, .ascii = 0, .truncated = 0};
  head.file = {.bytes = static_cast<uint32_t>(file.size()), .width = 1, .ascii = 0, .truncated = 0};
  head.scope = {
      .bytes = static_cast<uint32_t>(scope.size()), .width = GP_TEXT_UTF8, .ascii = 0, .truncated = scope.empty()};
  std::vector<uint8_t> out(sizeof(head));
  std::memcpy(out.data(), &head, sizeof(head));
  out.insert(out.end(), text.begin(), text.end());
  return out;
}

TEST(SymbolRecord, KeepsUtf8AsItIs) {
  const auto symbol = read_symbol_record(record("größe", "a.rb", "日本", GP_TEXT_UTF8), GP_RUNTIME_RUBY, nullptr);
  ASSERT_TRUE(symbol);
  EXPECT_EQ(symbol->name, "größe");
  EXPECT_EQ(symbol->file, "a.rb");
  EXPECT_EQ(symbol->scope, "日本");
}

TEST(SymbolRecord, TellsMissingTextFromEmptyText) {
  auto bytes = record("", "a.rb", "", 0);
  const auto symbol = read_symbol_record(bytes, GP_RUNTIME_RUBY, nullptr);
  ASSERT_TRUE(symbol);
  EXPECT_FALSE(symbol->name);
  EXPECT_EQ(symbol->scope, "…");
}

TEST(SymbolRecord, IsForOneRuntime) {
  EXPECT_FALSE(read_symbol_record(record("f", "a.rb", "", 1), GP_RUNTIME_PYTHON, nullptr));
}

}  // namespace
}  // namespace gp::runtimes
