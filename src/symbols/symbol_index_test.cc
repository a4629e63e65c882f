#include "symbols/symbol_index.h"

#include <gtest/gtest.h>

#include "elf/test_file.h"
#include "symbols/index_sources.h"
#include "symbols/index_writer.h"

namespace gp::symbols {
namespace {

using elf::TestFile;

std::vector<uint8_t> index_bytes(const elf::Image& image, const IndexIdentity& identity = {}) {
  MemorySink sink(1U << 20U);
  EXPECT_TRUE(write_index(IndexSources(image, {}), identity, sink));
  return sink.take();
}
SymbolIndex index_of(const TestFile& file) {
  const elf::Image image = file.image();
  return SymbolIndex::from_memory(index_bytes(image), {}).value();
}
std::string name_at(const SymbolIndex& index, uint64_t address) {
  const auto symbol = index.find({address});
  return symbol ? std::string(symbol->name) : "-";
}

TEST(SymbolIndex, RespectsSizes) {
  TestFile file;
  file.code(".text", 0x1000, std::vector<uint8_t>(0x100));
  file.symtab({{"one", 0x1010, 0x10}, {"open_ended", 0x1040, 0}, {"two", 0x1080, 0x10}, {"data", 0x5000, 4}});
  const auto index = index_of(file);
  EXPECT_EQ(name_at(index, 0x100f), "-");
  EXPECT_EQ(name_at(index, 0x1010), "one");
  EXPECT_EQ(name_at(index, 0x101f), "one");
  EXPECT_EQ(name_at(index, 0x1020), "-");
  EXPECT_EQ(name_at(index, 0x107f), "open_ended");
  EXPECT_FALSE(index.find({0x107f})->sized);
  EXPECT_EQ(name_at(index, 0x108f), "two");
  EXPECT_EQ(name_at(index, 0x1090), "-");
  EXPECT_EQ(name_at(index, 0x5000), "-");
  EXPECT_EQ(index.find({0x101f})->start, Vaddr{0x1010});
}

TEST(SymbolIndex, CutsNestedAndOverlappingSymbols) {
  TestFile file;
  file.code(".text", 0x1000, std::vector<uint8_t>(0x100));
  file.symtab({{"outer", 0x1000, 0x40},
               {"inner", 0x1010, 0x10},
               {"label", 0x1014, 0, STB_LOCAL, STT_NOTYPE},
               {"across", 0x1030, 0x20},
               {"lie", 0x1060, UINT64_MAX}});
  const auto index = index_of(file);
  EXPECT_EQ(name_at(index, 0x100f), "outer");
  EXPECT_EQ(name_at(index, 0x1014), "inner");
  EXPECT_EQ(name_at(index, 0x1020), "outer");
  EXPECT_EQ(index.find({0x1020})->start, Vaddr{0x1000});
  EXPECT_EQ(name_at(index, 0x103f), "across");
  EXPECT_EQ(name_at(index, 0x104f), "across");
  EXPECT_EQ(name_at(index, 0x1050), "-");
  EXPECT_EQ(name_at(index, 0x10ff), "lie");
  EXPECT_EQ(name_at(index, 0x1100), "-");
}

TEST(SymbolIndex, PrefersOneAliasAlways) {
  TestFile file;
  file.code(".text", 0x1000, std::vector<uint8_t>(0x100));
  file.symtab({{"weak", 0x1000, 8, STB_WEAK},
               {"local", 0x1000, 8, STB_LOCAL},
               {"long_global", 0x1000, 8},
               {"global_b", 0x1000, 8},
               {"global_a", 0x1000, 8},
               {"x", 0x1000, 8, STB_GLOBAL, STT_NOTYPE}});
  EXPECT_EQ(name_at(index_of(file), 0x1000), "global_a");
}

TEST(SymbolIndex, TakesSymbolsOfDebugImages) {
  TestFile stripped;
  stripped.code(".text", 0x1000, std::vector<uint8_t>(0x100));
  TestFile debug;
  debug.code(".text", 0x1000, std::vector<uint8_t>(0x100));
  debug.symtab({{"static_function", 0x1000, 8, STB_LOCAL}});
  const elf::Image image = stripped.image();
  const elf::Image debug_image = debug.image();
  const elf::Image* others[] = {&debug_image};
  MemorySink sink(1U << 20U);
  ASSERT_TRUE(write_index(IndexSources(image, others), {}, sink));
  EXPECT_EQ(name_at(*SymbolIndex::from_memory(sink.take(), {}), 0x1004), "static_function");
}

TEST(SymbolIndex, CutsEndlessNames) {
  TestFile file;
  file.code(".text", 0x1000, std::vector<uint8_t>(0x100));
  file.symtab({{std::string(100'000, 'x'), 0x1000, 8}, {"next", 0x1008, 8}});
  const auto index = index_of(file);
  EXPECT_EQ(index.find({0x1000})->name.size(), SymbolIndex::kMaxNameBytes);
  EXPECT_EQ(name_at(index, 0x1008), "next");
}

TEST(SymbolIndex, RefusesDamageAndOtherFiles) {
  TestFile file;
  file.code(".text", 0x1000, std::vector<uint8_t>(0x100));
  file.symtab({{"main", 0x1000, 8}});
  const elf::Image image = file.image();
  const IndexIdentity identity{{1, 2}, 3};
  const auto bytes = index_bytes(image, identity);
  ASSERT_TRUE(SymbolIndex::from_memory(bytes, identity));
  EXPECT_EQ(SymbolIndex::from_memory(bytes, {{1, 2}, 4}).error().code(), ErrorCode::kNotFound);
  for (size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] ^= 0x40U;
    EXPECT_FALSE(SymbolIndex::from_memory(damaged, identity)) << i;
  }
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(
        SymbolIndex::from_memory({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}, identity));
}

}  // namespace
}  // namespace gp::symbols
