#include "elf/unwind_source.h"

#include <dlfcn.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "elf/cfi_test_bytes.h"
#include "elf/test_file.h"

namespace gp::elf {
namespace {

const gp_rule* rule_at(const UnwindPage& page, uint64_t offset) {
  const auto after = std::ranges::upper_bound(page.rows, offset % GP_PAGE_SIZE, {}, &gp_row::pc);
  return after == page.rows.begin() ? nullptr : &page.rules[(after - 1)->rule];
}

// The rules of [begin, end) in a file, by the offsets they begin at.
std::vector<gp_rule> rules_between(UnwindSource& source, uint64_t begin, uint64_t end) {
  std::vector<gp_rule> found;
  for (uint64_t offset = begin; offset < end; ++offset) {
    const auto page = source.compile_page(offset >> GP_PAGE_SHIFT);
    if (const gp_rule* rule = rule_at(page, offset)) found.push_back(*rule);
  }
  return found;
}

// Places of signal trampolines anywhere in a file.
std::vector<uint64_t> signal_offsets(const Image& image) {
  UnwindSource source(image);
  std::vector<uint64_t> found;
  for (const OffsetRange& range : image.executable_ranges()) {
    for (uint64_t page = range.begin.value >> GP_PAGE_SHIFT; page << GP_PAGE_SHIFT < range.end.value; ++page) {
      const auto compiled = source.compile_page(page);
      for (const gp_row& row : compiled.rows)
        if (compiled.rules[row.rule].cfa_op == GP_CFA_SIGNAL) {
          EXPECT_EQ(compiled.rules[row.rule].cfa_offset, 0);
          found.push_back((page << GP_PAGE_SHIFT) + row.pc);
        }
    }
  }
  return found;
}

// The C library of this process, and a function's offset there (its own: sanitizers put others ahead of it).
std::pair<Image, uint64_t> libc_function(const char* name) {
  void* libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
  void* function = dlsym(libc, name);
  dlclose(libc);
  Dl_info info{};
  dladdr(function, &info);
  Image image = Image::open(info.dli_fname).value();
  const auto address = reinterpret_cast<uintptr_t>(function) - reinterpret_cast<uintptr_t>(info.dli_fbase);
  const uint64_t offset = image.to_offset({address}).value_or(FileOffset{}).value;
  return {std::move(image), offset};
}

#if defined(__x86_64__) && defined(__GLIBC__)
TEST(UnwindSource, KnowsGlibcsSignalTrampoline) {
  const auto [image, offset] = libc_function("sigaction");
  EXPECT_EQ(signal_offsets(image).size(), 1U);
}

TEST(UnwindSource, KnowsVforksReturnAddressRegister) {
  const auto [image, offset] = libc_function("vfork");
  UnwindSource source(image);
  const auto rules = rules_between(source, offset, offset + 24);
  EXPECT_TRUE(std::ranges::any_of(
      rules, [](const gp_rule& rule) { return rule.ra_op == GP_RA_REGISTER && rule.ra_offset == 5; }));
}

TEST(UnwindSource, KnowsTheParentInClone) {
  for (const char* name : {"clone", "__clone"}) {
    const auto [image, offset] = libc_function(name);
    UnwindSource source(image);
    for (const gp_rule& rule : rules_between(source, offset, offset + 0x3a)) EXPECT_NE(rule.cfa_op, GP_CFA_NONE);
  }
}

TEST(UnwindSource, EndsAtStart) {
  const Image image = Image::open("/proc/self/exe").value();
  UnwindSource source(image);
  const uint64_t entry = image.to_offset(image.entry())->value;
  const auto page = source.compile_page(entry >> GP_PAGE_SHIFT);
  const gp_rule* rule = rule_at(page, entry + 8);
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->cfa_op, GP_CFA_ROOT);
}
#endif

TEST(UnwindSource, KnowsMuslsSignalTrampoline) {
  auto image = Image::open("/lib/ld-musl-x86_64.so.1");
  if (!image) GTEST_SKIP() << "musl is not on this host";
  EXPECT_EQ(signal_offsets(*image).size(), 1U);
}

TEST(UnwindSource, EndsWhereMuslCallsMain) {
  TestFile file;
  // call *%r12; mov %eax,%edi; call exit. Then the same after a direct call, which is any function's.
  file.code(".text", 0x401000, {0x41, 0xff, 0xd4, 0x89, 0xc7, 0xe8, 0, 0, 0, 0, 0xe8, 0, 0, 0, 0, 0x89, 0xc7, 0xe8});
  const Image image = file.image();
  const uint64_t text = image.section(".text")->offset;
  const auto page = UnwindSource(image).compile_page(text >> GP_PAGE_SHIFT);
  ASSERT_EQ(page.rows.size(), 2U);
  EXPECT_EQ(page.rows[0].pc, text + 2);
  EXPECT_EQ(page.rows[1].pc, text + 3);
  EXPECT_EQ(page.rules[page.rows[0].rule].cfa_op, GP_CFA_ROOT);
}

// Its table tells a caller, which is whatever lies on the thread's stack by then.
TEST(UnwindSource, EndsWhereAGreenletBegins) {
  TestFile file;
  file.code(".text", 0x401000, std::vector<uint8_t>(0x100, 0x90));
  file.dynsym({{"_ZN8greenlet12UserGreenlet13g_initialstubEPv", 0x401020, 0x20},
               {"_ZN8greenlet12UserGreenlet15inner_bootstrapEP9_greenletP7_object", 0x401080, 0x20}});
  auto eh_frame = FrameBytes("zR", {DW_EH_PE_pcrel | DW_EH_PE_sdata4}).add(0x401000, 0x100, {});
  file.section(".eh_frame", SHT_PROGBITS, SHF_ALLOC, 0x400000, eh_frame.bytes());
  const Image image = file.image();
  const uint64_t code = image.section(".text")->offset;
  const auto page = UnwindSource(image).compile_page(code >> GP_PAGE_SHIFT);
  for (const uint64_t in : {0x80U, 0x9fU}) EXPECT_EQ(rule_at(page, code + in)->cfa_op, GP_CFA_ROOT);
  for (const uint64_t around : {0x20U, 0x7fU, 0xa0U}) EXPECT_EQ(rule_at(page, code + around)->cfa_op, GP_CFA_REG);
}

TEST(UnwindSource, EndsWhereAContextStarts) {
  TestFile file;
  std::vector<uint8_t> code(0x100, 0x90);
  const std::vector<uint8_t> start = {0x48, 0x89, 0xdc, 0x48, 0x8b, 0x3c, 0x24, 0x48, 0x85, 0xff, 0x74, 0x08, 0xe8};
  std::ranges::copy(start, code.begin() + 0x80);
  file.code(".text", 0x401000, code);
  auto eh_frame = FrameBytes("zR", {DW_EH_PE_pcrel | DW_EH_PE_sdata4}).add(0x401080, 0x20, {});
  file.section(".eh_frame", SHT_PROGBITS, SHF_ALLOC, 0x400000, eh_frame.bytes());
  const Image image = file.image();
  const uint64_t text = image.section(".text")->offset;
  const auto page = UnwindSource(image).compile_page(text >> GP_PAGE_SHIFT);
  const gp_rule* rule = rule_at(page, text + 0x7f);  // where the return address is looked up
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->cfa_op, GP_CFA_ROOT);
  EXPECT_EQ(rule_at(page, text + 0x7e), nullptr);
}

TEST(UnwindSource, KnowsTheEndOfRustsMain) {
  TestFile file;
  std::vector<uint8_t> code(0x100, 0x90);
  // call *pointer(%rip); pop %rcx; ret. Then a pop and return that no call stands ahead of.
  const std::vector<uint8_t> shim = {0xff, 0x15, 1, 0, 0, 0, 0x59, 0xc3};
  std::ranges::copy(shim, code.begin() + 0x40);
  std::ranges::copy(std::vector<uint8_t>{0x59, 0xc3}, code.begin() + 0x60);
  file.code(".text", 0x401000, code);
  auto eh_frame = FrameBytes("zR", {DW_EH_PE_pcrel | DW_EH_PE_sdata4}).add(0x401080, 0x20, {});
  file.section(".eh_frame", SHT_PROGBITS, SHF_ALLOC, 0x400000, eh_frame.bytes());
  const Image image = file.image();
  const uint64_t text = image.section(".text")->offset;
  const auto page = UnwindSource(image).compile_page(text >> GP_PAGE_SHIFT);
  const gp_rule* rule = rule_at(page, text + 0x45);  // a return address is looked up one byte lower
  ASSERT_NE(rule, nullptr);
  EXPECT_EQ(rule->cfa_op, GP_CFA_REG);
  EXPECT_EQ(rule->cfa_offset, 16);
  EXPECT_EQ(rule->ra_offset, -8);
  EXPECT_EQ(rule_at(page, text + 0x47)->cfa_op, GP_CFA_NONE);
  EXPECT_EQ(rule_at(page, text + 0x60)->cfa_op, GP_CFA_NONE);
}

// An .eh_frame without a header table, and a .debug_frame that fills what it leaves.
TEST(UnwindSource, FillsFromLaterSources) {
  TestFile file;
  file.code(".text", 0x401000, std::vector<uint8_t>(0x100, 0x90));
  auto eh_frame = FrameBytes("zR", {DW_EH_PE_pcrel | DW_EH_PE_sdata4}).add(0x401020, 0x20, {});
  file.section(".eh_frame", SHT_PROGBITS, SHF_ALLOC, 0x400000, eh_frame.bytes());
  auto debug_frame = FrameBytes().add(0x401010, 0x60, {DW_CFA_def_cfa_offset, 64});
  file.section(".debug_frame", SHT_PROGBITS, 0, 0, debug_frame.bytes());
  const Image image = file.image();
  const uint64_t text = image.section(".text")->offset;
  const auto page = UnwindSource(image).compile_page(text >> GP_PAGE_SHIFT);
  ASSERT_EQ(page.rows.size(), 4U);
  EXPECT_EQ(rule_at(page, text + 0x0f), nullptr);
  EXPECT_EQ(rule_at(page, text + 0x10)->cfa_offset, 64);
  EXPECT_EQ(rule_at(page, text + 0x20)->cfa_offset, 8);
  EXPECT_EQ(rule_at(page, text + 0x40)->cfa_offset, 64);
  EXPECT_EQ(rule_at(page, text + 0x70)->cfa_op, GP_CFA_NONE);
}

TEST(UnwindSource, TakesASeparateDebugFile) {
  TestFile stripped;
  stripped.code(".text", 0x401000, std::vector<uint8_t>(0x100, 0x90));
  const Image image = stripped.image();
  EXPECT_TRUE(UnwindSource(image).compile_page(0).rows.empty());
  TestFile file;
  file.code(".text", 0x401000, {0x90});
  file.section(".debug_frame", SHT_PROGBITS, 0, 0, FrameBytes().add(0x401010, 0x60, {}).bytes());
  const Image debug = file.image();
  EXPECT_EQ(UnwindSource(image, &debug).compile_page(0).rows.size(), 2U);
}

TEST(UnwindSource, HasNothingForPagesOutsideCode) {
  const Image image = Image::open("/proc/self/exe").value();
  UnwindSource source(image);
  EXPECT_TRUE(source.compile_page(UINT64_MAX).rows.empty());
  EXPECT_TRUE(source.compile_page((image.bytes().size() >> GP_PAGE_SHIFT) + 1).rows.empty());
}

}  // namespace
}  // namespace gp::elf
