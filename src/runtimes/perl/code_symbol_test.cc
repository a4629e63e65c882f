#include "runtimes/perl/code_symbol.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "bpf/abi/perl.h"
#include "bpf/abi/sample.h"

namespace gp::runtimes::perl {
namespace {

struct Texts {
  std::optional<std::string> name;
  std::optional<std::string> file;
  std::optional<std::string> scope;
  uint32_t kind = GP_PERL_SUB;
  uint8_t width = GP_TEXT_UTF8;
};

gp_symbol_text head_of(const std::optional<std::string>& text, uint8_t width) {
  return {.bytes = static_cast<uint32_t>(text ? text->size() : 0),
          .width = text ? width : uint8_t{0},
          .ascii = 0,
          .truncated = 0};
}

std::vector<uint8_t> record_of(const Texts& texts) {
  gp_symbol symbol{};
  symbol.header.type = GP_RECORD_SYMBOL;
  symbol.runtime = GP_RUNTIME_PERL;
  symbol.table_format = texts.kind;
  symbol.name = head_of(texts.name, texts.width);
  symbol.file = head_of(texts.file, GP_TEXT_UTF8);
  symbol.scope = head_of(texts.scope, texts.width);
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

TEST(PerlSymbol, NamesSubroutinesAsPerlDoes) {
  EXPECT_EQ(decoded({.name = "burn", .file = "/a.pl", .scope = "main"}).name, "main::burn");
  EXPECT_EQ(decoded({.name = "__ANON__", .file = "/a.pl", .scope = "App::Burner"}).name, "App::Burner::__ANON__");
  EXPECT_EQ(decoded({.name = "lexical", .file = "/a.pl", .scope = {}}).name, "lexical");
  EXPECT_EQ(decoded({.name = "größe", .file = "/ü.pl", .scope = "main"}).name, "main::größe");
  EXPECT_EQ(decoded({.name = "gr\xf6\xdf"
                             "e",
                     .file = "/a.pl",
                     .scope = "main",
                     .width = 1})
                .name,
            "main::größe");
  const auto symbol = decoded({.name = "burn", .file = "/ü.pl", .scope = "main"});
  EXPECT_EQ(symbol.file, "/ü.pl");
  EXPECT_TRUE(symbol.name_known);
}

TEST(PerlSymbol, NamesWhatHasNoName) {
  EXPECT_EQ(decoded({.name = "", .file = "/a.pl", .scope = {}, .kind = GP_PERL_FILE}).name, "main");
  const auto evaluated = decoded({.name = "", .file = "(eval ", .scope = {}, .kind = GP_PERL_EVAL});
  EXPECT_EQ(evaluated.name, "(eval)");
  EXPECT_EQ(evaluated.file, "(eval)");
  EXPECT_EQ(decoded({.name = "", .file = "/a.pl", .scope = {}, .kind = GP_PERL_SORT}).name, "(sort block)");
  EXPECT_EQ(decoded({.name = "", .file = "/a.pl", .scope = "main"}).name, "(unknown)");
  EXPECT_EQ(decoded({.name = "", .file = "/a.pl", .scope = {}, .kind = 99}).name, "(unknown)");
}

TEST(PerlSymbol, SaysWhatCouldNotBeRead) {
  const auto symbol = decoded({.name = {}, .file = "/a.pl", .scope = {}});
  EXPECT_FALSE(symbol.name_known);
  EXPECT_EQ(symbol.file, "/a.pl");
}

TEST(PerlSymbol, RefusesWhatIsNoRecord) {
  auto record = record_of({.name = "burn", .file = "/a.pl", .scope = "main"});
  record.pop_back();
  EXPECT_FALSE(decode_symbol(record));
  EXPECT_FALSE(decode_symbol({}));
}

}  // namespace
}  // namespace gp::runtimes::perl
