#include "elf/go_source.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/test_file.h"
#include "elf/unwind_source.h"

namespace gp::elf {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr uint64_t kText = 0x401000;
constexpr uint64_t kModuleTextField = 176;

enum class Release { kGo116, kGo118, kGo126 };

struct Function {
  std::string name;
  std::vector<uint8_t> code;
  // (stack delta, bytes of code) from the begin on.
  std::vector<std::pair<int, uint8_t>> steps;
};

std::vector<uint8_t> steps_bytes(const Function& function) {
  std::vector<uint8_t> bytes;
  int value = -1;
  for (const auto& [next, length] : function.steps) {
    const int delta = next - value;
    value = next;
    const auto coded =
        static_cast<uint32_t>(delta < 0 ? ~(static_cast<uint32_t>(delta) << 1U) : static_cast<uint32_t>(delta) << 1U);
    if (coded >= 0x80) bytes.push_back(static_cast<uint8_t>(coded | 0x80U));
    bytes.push_back(static_cast<uint8_t>(coded >= 0x80 ? coded >> 7U : coded));
    bytes.push_back(length);
  }
  bytes.push_back(0);
  return bytes;
}

// A file of those functions laid one behind the other from kText on.
TestFile go_file(Release release, const std::vector<Function>& functions) {
  const bool wide = release == Release::kGo116;
  std::vector<uint8_t> code;
  std::vector<uint8_t> steps(1);  // offset 0 means none
  std::vector<uint8_t> records;
  std::vector<uint8_t> table;
  std::string names;
  const auto put = [wide](std::vector<uint8_t>& to, uint64_t value) {
    wide ? TestFile::append(to, value) : TestFile::append(to, static_cast<uint32_t>(value));
  };
  const uint64_t table_size = (2 * functions.size() + 1) * (wide ? 8 : 4);
  for (const Function& function : functions) {
    const uint64_t begin = (wide ? kText : 0) + code.size();
    put(table, begin);
    put(table, table_size + records.size());
    put(records, begin);
    for (const size_t field : {names.size(), size_t{0}, size_t{0}, steps.size()})
      TestFile::append(records, static_cast<uint32_t>(field));
    names += function.name + '\0';
    const auto run = steps_bytes(function);
    steps.insert(steps.end(), run.begin(), run.end());
    code.insert(code.end(), function.code.begin(), function.code.end());
  }
  put(table, (wide ? kText : 0) + code.size());
  table.insert(table.end(), records.begin(), records.end());

  std::vector<uint8_t> pclntab;
  TestFile::append(pclntab, wide ? 0xfffffffaU : release == Release::kGo118 ? 0xfffffff0U : 0xfffffff1U);
  for (const int byte : {0, 0, 1, 8}) pclntab.push_back(static_cast<uint8_t>(byte));
  const uint64_t header = (wide ? 9 : 10) * 8 - 8;
  TestFile::append(pclntab, uint64_t{functions.size()});
  TestFile::append(pclntab, uint64_t{0});
  if (!wide) TestFile::append(pclntab, release == Release::kGo118 ? kText : 0);
  TestFile::append(pclntab, header);
  TestFile::append(pclntab, header);
  TestFile::append(pclntab, header);
  TestFile::append(pclntab, header + names.size());
  TestFile::append(pclntab, header + names.size() + steps.size());
  pclntab.resize(header);
  pclntab.insert(pclntab.end(), names.begin(), names.end());
  pclntab.insert(pclntab.end(), steps.begin(), steps.end());
  pclntab.insert(pclntab.end(), table.begin(), table.end());

  TestFile file;
  file.code(".text", kText, code);
  file.section(".gopclntab", SHT_PROGBITS, SHF_ALLOC, 0x500000, pclntab);
  if (release == Release::kGo126) {
    std::vector<uint8_t> module(kModuleTextField, 0);
    TestFile::append(module, kText);
    file.section(".go.module", SHT_PROGBITS, SHF_ALLOC, 0x600000, module);
  }
  return file;
}

// push %rbp; mov %rsp,%rbp; sub $16,%rsp; call; add $16,%rsp; pop %rbp; ret
Function framed(std::string name) {
  return {std::move(name),
          {0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x10, 0xe8, 0, 0, 0, 0, 0x48, 0x83, 0xc4, 0x10, 0x5d, 0xc3, 0xcc},
          {{0, 1}, {8, 7}, {24, 9}, {8, 1}, {0, 1}}};
}

struct Compiled {
  [[nodiscard]] const gp_rule& at(size_t row) const { return page.rules[page.rows[row].rule]; }
  // (offset in code, CFA operation) of each row but the one that ends the segment.
  [[nodiscard]] std::vector<std::pair<int, int>> rows() const {
    std::vector<std::pair<int, int>> found;
    found.reserve(page.rows.size());
    for (const gp_row& row : page.rows) found.emplace_back(row.pc, page.rules[row.rule].cfa_op);
    if (!found.empty() && found.back().second == GP_CFA_NONE) found.pop_back();
    return found;
  }
  UnwindPage page;
};

// The code of TestFile's first section lies at file offset 0x1000, which is in page 0.
Compiled compile(const TestFile& file) {
  const Image image = file.image();
  Compiled compiled{UnwindSource(image).compile_page(0)};
  for (gp_row& row : compiled.page.rows) row.pc = static_cast<uint16_t>(row.pc - 0x1000);
  return compiled;
}

TEST(GoSource, FollowsFrames) {
  for (const Release release : {Release::kGo116, Release::kGo118, Release::kGo126}) {
    const auto page = compile(go_file(release, {framed("main.work")}));
    EXPECT_THAT(page.rows(), ElementsAre(Pair(0, GP_CFA_REG), Pair(1, GP_CFA_REG), Pair(8, GP_CFA_REG),
                                         Pair(17, GP_CFA_REG), Pair(18, GP_CFA_REG)));
    EXPECT_EQ(page.at(0).cfa_offset, 8);
    EXPECT_EQ(page.at(0).saved[GP_SAVED_RBP], GP_SAVED_SAME);
    EXPECT_EQ(page.at(2).cfa_offset, 32);
    EXPECT_EQ(page.at(2).cfa_reg, 7);
    EXPECT_EQ(page.at(2).ra_offset, -8);
    EXPECT_EQ(page.at(2).saved[GP_SAVED_RBP], -2);
    EXPECT_EQ(page.at(2).saved[GP_SAVED_RBX], GP_SAVED_UNKNOWN);
  }
}

TEST(GoSource, TakesTextAddressFromRelocation) {
  auto file = go_file(Release::kGo118, {framed("main.work")});
  auto bytes = file.bytes();
  const Image before = file.image();
  const uint64_t field = before.section(".gopclntab")->offset + 24;
  std::memset(bytes.data() + field, 0, 8);
  EXPECT_FALSE(GoPclntab::from_image(Image::from_memory(bytes).value()));

  std::vector<uint8_t> relocation;
  TestFile::append(relocation, Elf64_Rela{0x500000 + 24, ELF64_R_INFO(0, R_X86_64_RELATIVE), kText});
  file.section(".rela", SHT_RELA, SHF_ALLOC, 0x700000, relocation);
  bytes = file.bytes();
  std::memset(bytes.data() + field, 0, 8);
  EXPECT_TRUE(GoPclntab::from_image(Image::from_memory(bytes).value()));
}

TEST(GoSource, CrossesStacksByFramePointer) {
  const auto page = compile(go_file(Release::kGo126, {framed("runtime.systemstack")}));
  EXPECT_THAT(page.rows(), ElementsAre(Pair(0, GP_CFA_REG), Pair(1, GP_CFA_FRAME_POINTER), Pair(18, GP_CFA_REG)));
}

TEST(GoSource, EndsAtOutermostFrames) {
  for (const char* name : {"runtime.goexit", "runtime.mstart", "runtime.rt0_go", "_rt0_amd64_linux"})
    EXPECT_THAT(compile(go_file(Release::kGo126, {framed(name)})).rows(), ElementsAre(Pair(0, GP_CFA_ROOT)));
}

TEST(GoSource, EndsBelowGrowingStacks) {
  // nop; mov 0x38(%rbx),%rsp; call
  const Function morestack{"runtime.morestack", {0x90, 0x48, 0x8b, 0x63, 0x38, 0xe8, 0, 0, 0, 0}, {{0, 10}}};
  EXPECT_THAT(compile(go_file(Release::kGo126, {morestack})).rows(),
              ElementsAre(Pair(0, GP_CFA_REG), Pair(5, GP_CFA_ROOT)));
}

TEST(GoSource, FollowsOlderPrologues) {
  // sub $24,%rsp; mov %rbp,16(%rsp); lea 16(%rsp),%rbp; ret
  const Function old{"main.old",
                     {0x48, 0x83, 0xec, 0x18, 0x48, 0x89, 0x6c, 0x24, 0x10, 0x48, 0x8d, 0x6c, 0x24, 0x10, 0xc3},
                     {{0, 4}, {24, 11}}};
  const auto page = compile(go_file(Release::kGo118, {old}));
  EXPECT_THAT(page.rows(), ElementsAre(Pair(0, GP_CFA_REG), Pair(4, GP_CFA_REG), Pair(9, GP_CFA_REG)));
  EXPECT_EQ(page.at(1).saved[GP_SAVED_RBP], GP_SAVED_SAME);
  EXPECT_EQ(page.at(2).saved[GP_SAVED_RBP], -2);
}

TEST(GoSource, LeavesFramePointerOfFramelessFunctions) {
  const Function pushes{"main.asm", {0x9c, 0x90, 0x9d, 0xc3}, {{0, 1}, {8, 2}, {0, 1}}};  // pushf; nop; popf; ret
  EXPECT_EQ(compile(go_file(Release::kGo126, {pushes})).at(1).saved[GP_SAVED_RBP], GP_SAVED_SAME);
}

TEST(GoSource, FollowsReturnAddressInRegister) {
  const Function vfork{
      "syscall.rawVforkSyscall", {0x41, 0x5c, 0x0f, 0x05, 0x41, 0x54, 0xc3}, {{0, 2}, {-8, 4}, {0, 1}}};
  const auto page = compile(go_file(Release::kGo126, {vfork}));
  EXPECT_THAT(page.rows(), ElementsAre(Pair(0, GP_CFA_REG), Pair(2, GP_CFA_REG), Pair(6, GP_CFA_REG)));
  EXPECT_EQ(page.at(1).ra_op, GP_RA_REGISTER);
  EXPECT_EQ(page.at(1).ra_offset, 12);
  EXPECT_EQ(page.at(1).cfa_offset, 0);
}

TEST(GoSource, KnowsItsSignalTrampoline) {
  const Function padding{"main.pad", {0xc3, 0xcc, 0xcc, 0xcc}, {{0, 4}}};
  const Function trampoline{
      "runtime.sigreturn__sigaction", {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05, 0xcc}, {{0, 10}}};
  const auto page = compile(go_file(Release::kGo126, {padding, trampoline}));
  EXPECT_THAT(page.rows(), ElementsAre(Pair(0, GP_CFA_REG), Pair(3, GP_CFA_SIGNAL), Pair(13, GP_CFA_REG)));
}

TEST(GoPclntab, NamesFunctions) {
  const auto file = go_file(Release::kGo126, {framed("main.a"), framed("main.b")});
  const Image image = file.image();
  const auto table = GoPclntab::from_image(image);
  ASSERT_TRUE(table);
  ASSERT_EQ(table->size(), 2U);
  EXPECT_EQ(table->find({kText + 19}), 0U);
  EXPECT_EQ(table->find({kText + 20}), 1U);
  EXPECT_EQ(table->name(*table->function(1)), "main.b");
  EXPECT_FALSE(table->function(2));
}

TEST(GoPclntab, BearsBrokenTables) {
  const auto bytes = go_file(Release::kGo118, {framed("main.a"), framed("main.b")}).bytes();
  const uint64_t begin = Image::from_memory(bytes)->section(".gopclntab")->offset;
  for (uint64_t at = begin; at + 4 <= std::min<uint64_t>(bytes.size(), begin + 256); ++at) {
    auto broken = bytes;
    std::memset(broken.data() + at, 0xff, 4);
    const Image image = Image::from_memory(broken).value();
    EXPECT_LE(UnwindSource(image).compile_page(0).rows.size(), 16U);
  }
}

}  // namespace
}  // namespace gp::elf
