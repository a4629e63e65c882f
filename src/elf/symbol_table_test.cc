#include "elf/symbol_table.h"

#include <gtest/gtest.h>
#include <sys/auxv.h>

#include "elf/test_file.h"

namespace gp::elf {
namespace {

TEST(SymbolTable, GivesFunctionsOnly) {
  TestFile file;
  file.code(".text", 0x1000, std::vector<uint8_t>(256));
  file.symtab({{"main", 0x1000, 16},
               {"data", 0x1010, 16, STB_GLOBAL, STT_OBJECT},
               {"imported", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF},
               {"$x.1", 0x1020, 0, STB_LOCAL, STT_NOTYPE},
               {"label", 0x1030, 0, STB_LOCAL, STT_NOTYPE},
               {"memcpy@@GLIBC_2.14", 0x1040, 8, STB_WEAK, STT_GNU_IFUNC}});
  const Image image = file.image();
  const SymbolTable table = SymbolTable::full(image);
  ASSERT_EQ(table.size(), 7U);
  EXPECT_EQ(table.function(1)->name, "main");
  EXPECT_EQ(table.function(1)->size, 16U);
  for (const size_t other : {0U, 2U, 3U, 4U, 7U}) EXPECT_FALSE(table.function(other)) << other;
  EXPECT_EQ(table.function(5)->rank, SymbolRank::kUntyped);
  EXPECT_EQ(table.function(6)->name, "memcpy");
  EXPECT_EQ(table.function(6)->rank, SymbolRank::kWeak);
}

TEST(SymbolTable, BearsNamesOutsideTheStringTable) {
  TestFile file;
  file.code(".text", 0x1000, std::vector<uint8_t>(16));
  file.symtab({{"main", 0x1000, 16}});
  auto bytes = file.bytes();
  for (size_t i = 0; i + 4 < bytes.size(); ++i)
    if (std::memcmp(&bytes[i], "main", 4) == 0) bytes[i + 4] = 'x';  // the end is gone
  const auto image = Image::from_memory(std::move(bytes));
  EXPECT_FALSE(SymbolTable::full(*image).function(1));
}

TEST(SymbolTable, FindsDynamicSymbolsWithoutSectionHeaders) {
  // The vdso: its section headers hidden by zeroing e_shoff.
  const auto* start = reinterpret_cast<const uint8_t*>(::getauxval(AT_SYSINFO_EHDR));
  if (start == nullptr) GTEST_SKIP() << "no vdso";
  std::vector<uint8_t> bytes(start, start + 4096);
  const auto whole = Image::from_memory(bytes);
  ASSERT_TRUE(whole);
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  header.e_shoff = 0;
  std::memcpy(bytes.data(), &header, sizeof(header));
  const auto stripped = Image::from_memory(bytes);
  ASSERT_TRUE(stripped);
  const SymbolTable table = SymbolTable::dynamic(*stripped);
  bool found = false;
  for (size_t i = 0; i < table.size(); ++i) found = found || table.name(i).value_or("").ends_with("clock_gettime");
  EXPECT_TRUE(found) << table.size();
}

// Two stubs as gcc -fcf-protection and plain gcc make them, each through a GOT slot that a relocation fills.
TEST(PltStubs, FindsTargetsThroughTheGot) {
  TestFile file;
  std::vector<uint8_t> plt(48, 0x90);
  const auto stub = [&plt](size_t at, std::vector<uint8_t> code, uint32_t displacement) {
    TestFile::append(code, displacement);
    std::copy(code.begin(), code.end(), plt.begin() + static_cast<std::ptrdiff_t>(at));
  };
  stub(0, {0xff, 0x35}, 0);
  stub(16, {0xff, 0x25}, 0x4000 - 0x1016);
  stub(32, {0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25}, 0x4008 - 0x102b);
  file.code(".plt", 0x1000, plt, 16);
  file.dynsym({{"puts", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF}});
  std::vector<uint8_t> relocations;
  TestFile::append(relocations, Elf64_Rela{0x4000, ELF64_R_INFO(uint64_t{1}, R_X86_64_JUMP_SLOT), 0});
  TestFile::append(relocations, Elf64_Rela{0x4008, ELF64_R_INFO(uint64_t{0}, R_X86_64_IRELATIVE), 0x2000});
  file.section(".rela.plt", SHT_RELA, SHF_ALLOC, 0, relocations);
  const Image image = file.image();
  const auto stubs = plt_stubs(image);
  ASSERT_EQ(stubs.size(), 2U);
  EXPECT_EQ(stubs[0].address, Vaddr{0x1010});
  EXPECT_EQ(stubs[0].target, "puts");
  EXPECT_EQ(stubs[1].address, Vaddr{0x1020});
  EXPECT_EQ(stubs[1].resolver, Vaddr{0x2000});
}

TEST(PltStubs, ReadsAarch64) {
  TestFile file(EM_AARCH64);
  std::vector<uint8_t> plt;
  // adrp x16, 0x4000; ldr x17, [x16, #8]; add x16, x16, #8; br x17, at 0x1000, the second after bti c.
  for (const uint32_t word : {0xf0000010U, 0xf9400611U, 0x91002210U, 0xd61f0220U}) TestFile::append(plt, word);
  for (const uint32_t word : {0xd503245fU, 0xf0000010U, 0xf9400a11U, 0x91004210U, 0xd61f0220U, 0xd503201fU})
    TestFile::append(plt, word);
  file.code(".plt", 0x1000, plt);
  file.dynsym({{"puts", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF}, {"exit", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF}});
  std::vector<uint8_t> relocations;
  TestFile::append(relocations, Elf64_Rela{0x4008, ELF64_R_INFO(uint64_t{1}, R_AARCH64_JUMP_SLOT), 0});
  TestFile::append(relocations, Elf64_Rela{0x4010, ELF64_R_INFO(uint64_t{2}, R_AARCH64_JUMP_SLOT), 0});
  file.section(".rela.plt", SHT_RELA, SHF_ALLOC, 0, relocations);
  const Image image = file.image();
  const auto stubs = plt_stubs(image);
  ASSERT_EQ(stubs.size(), 2U);
  EXPECT_EQ(stubs[0].target, "puts");
  EXPECT_EQ(stubs[1].address, Vaddr{0x1010});
  EXPECT_EQ(stubs[1].target, "exit");
}

}  // namespace
}  // namespace gp::elf
