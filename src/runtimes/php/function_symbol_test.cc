#include "runtimes/php/function_symbol.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "bpf/abi/sample.h"

namespace gp::runtimes::php {
namespace {

using namespace std::string_literals;

struct Texts {
  std::optional<std::string> name;
  std::optional<std::string> file;
  std::optional<std::string> scope;
};

gp_symbol_text head_of(const std::optional<std::string>& text) {
  return {.bytes = static_cast<uint32_t>(text ? text->size() : 0),
          .width = static_cast<uint8_t>(text ? GP_TEXT_UTF8 : 0),
          .ascii = 0,
          .truncated = 0};
}

std::vector<uint8_t> record_of(const Texts& texts) {
  gp_symbol symbol{};
  symbol.header.type = GP_RECORD_SYMBOL;
  symbol.runtime = GP_RUNTIME_PHP;
  symbol.first_line = 7;
  symbol.name = head_of(texts.name);
  symbol.file = head_of(texts.file);
  symbol.scope = head_of(texts.scope);
  const std::string bytes = texts.name.value_or("") + texts.file.value_or("") + texts.scope.value_or("");
  symbol.header.size = static_cast<uint32_t>(sizeof(symbol) + bytes.size());
  std::vector<uint8_t> record(symbol.header.size);
  std::memcpy(record.data(), &symbol, sizeof(symbol));
  std::memcpy(record.data() + sizeof(symbol), bytes.data(), bytes.size());
  return record;
}

targets::CodeSymbol decoded(const Texts& texts) {
  const auto symbol = decode_symbol(record_of(texts));
  EXPECT_TRUE(symbol);
  return symbol.value_or(targets::CodeSymbol{});
}

TEST(FunctionSymbol, NamesFunctionsAsPhpDoes) {
  EXPECT_EQ(decoded({"burn", "/a.php", {}}).name, "burn");
  EXPECT_EQ(decoded({"burn", "/a.php", "App\\Burner"}).name, "App\\Burner::burn");
  EXPECT_EQ(decoded({"{closure}", "/a.php", "App\\Burner"}).name, "App\\Burner::{closure}");
  EXPECT_EQ(decoded({"strlen", {}, {}}).name, "strlen");
  EXPECT_EQ(decoded({"größe", "/ü.php", {}}).name, "größe");
  const auto symbol = decoded({"burn", "/ü.php", {}});
  EXPECT_EQ(symbol.file, "/ü.php");
  EXPECT_EQ(symbol.first_line, 0U);  // or frames without a line would show it as theirs
  EXPECT_TRUE(symbol.name_known);
}

TEST(FunctionSymbol, NamesCodeOutsideFunctions) {
  EXPECT_EQ(decoded({"", "/a.php", {}}).name, "main");
  EXPECT_EQ(decoded({"", "/a.php", "App\\Loader"}).name, "main");  // a file that a method of this class includes
}

TEST(FunctionSymbol, CutsTheNamesOfClassesWithoutOne) {
  EXPECT_EQ(decoded({"run", "/a.php", "class@anonymous\0/a.php:3$0"s}).name, "class@anonymous::run");
  EXPECT_EQ(decoded({"{closure:class@anonymous\0/a.php:3$1f::run():9}"s, "/a.php", {}}).name,
            "{closure:class@anonymous::run():9}");
  EXPECT_EQ(decoded({"odd\0name"s, "/a.php", {}}).name, "odd");
}

TEST(FunctionSymbol, SaysWhatCouldNotBeRead) {
  const auto symbol = decoded({{}, "/a.php", {}});
  EXPECT_FALSE(symbol.name_known);
  EXPECT_EQ(symbol.file, "/a.php");
}

TEST(FunctionSymbol, RefusesWhatIsNoRecord) {
  auto record = record_of({"burn", "/a.php", {}});
  record.pop_back();
  EXPECT_FALSE(decode_symbol(record));
  EXPECT_FALSE(decode_symbol({}));
}

}  // namespace
}  // namespace gp::runtimes::php
