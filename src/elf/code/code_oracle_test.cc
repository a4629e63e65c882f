// Compares what is learned of code with what its call frame information says, over programs of this host: every
// instruction of every function that is understood.
#include <dlfcn.h>
#include <glob.h>
#include <gtest/gtest.h>

#include <iostream>
#include <unordered_map>

#include "elf/cfi_state.h"
#include "elf/code/code_functions.h"
#include "elf/unwind_source.h"

namespace gp::elf {
namespace {

// Code that is looked at of each file.
constexpr uint64_t kMost = 256U << 10U;

struct Tally {
  size_t agree = 0;
  size_t differ = 0;
  size_t told_wrong = 0;  // functions
};

class CodeOracleTest : public testing::TestWithParam<const char*> {
 protected:
  static uint8_t number_of(uint8_t dwarf) {
    constexpr std::array<uint8_t, 8> kNumbers = {0, 2, 1, 3, 6, 7, 5, 4};
    return dwarf < kNumbers.size() ? kNumbers[dwarf] : dwarf;
  }

  const gp_rule* told(Vaddr address) {
    const uint64_t offset = image_->to_offset(address).value_or(FileOffset{}).value;
    const auto [found, is_new] = pages_.try_emplace(offset >> GP_PAGE_SHIFT);
    if (is_new) found->second = source_->compile_page(offset >> GP_PAGE_SHIFT, builder_);
    const auto& rows = found->second.rows;
    const auto after = std::ranges::upper_bound(rows, offset % GP_PAGE_SIZE, {}, &gp_row::pc);
    return after == rows.begin() ? nullptr : &found->second.rules[(after - 1)->rule];
  }

  // The same CFA, and the same for rbp. A place below the stack pointer that rbp was taken back from still holds it.
  static bool agrees(const FrameFacts& facts, const gp_rule& learned, const gp_rule& told) {
    if (learned.cfa_op == GP_CFA_ROOT || told.cfa_op != GP_CFA_REG) return learned.cfa_op == told.cfa_op;
    const auto base = facts.from_cfa(number_of(told.cfa_reg));
    if (!base || *base != -told.cfa_offset) return false;
    const bool is_in_register = told.ra_op == GP_RA_REGISTER;  // and on the stack again
    if (!is_in_register && (learned.ra_op != told.ra_op || learned.ra_offset != told.ra_offset)) return false;
    const int8_t rbp = told.saved[GP_SAVED_RBP];
    if (learned.saved[GP_SAVED_RBP] == rbp) return true;
    const auto stack = facts.from_cfa(kRsp);
    return learned.saved[GP_SAVED_RBP] == GP_SAVED_SAME && stack && rbp * 8 < *stack;
  }

  // Where the told CFA is as far from the stack pointer behind an instruction that moves it as ahead of that, whoever wrote
  // the function in assembly left the directives out.
  bool is_told_wrong(const FunctionFlow& flow, const CodeBytes& code) {
    return std::ranges::any_of(flow.places(), [&](const auto& entry) {
      const Vaddr address{entry.first};
      Instruction instruction;
      if (!decoder_.decode(code.at(address), address, instruction)) return false;
      const bool adds =
          instruction.raw.mnemonic == ZYDIS_MNEMONIC_ADD || instruction.raw.mnemonic == ZYDIS_MNEMONIC_SUB;
      const bool moves =
          instruction.raw.mnemonic == ZYDIS_MNEMONIC_PUSH || (adds && register_number(instruction.storage[0]) == kRsp);
      const gp_rule* before = told(address);
      const gp_rule* after = told(instruction.end());
      return moves && before != nullptr && after != nullptr && before->cfa_op == GP_CFA_REG &&
             before->cfa_reg == kDwarfRsp && after->cfa_op == GP_CFA_REG && after->cfa_reg == kDwarfRsp &&
             before->cfa_offset == after->cfa_offset;
    });
  }

  void compare(CodeFunctions& functions, const CodeBytes& code) {
    FunctionFlow flow(code, functions);
    for (const auto& function : functions.functions()) {
      ASSERT_TRUE(functions.follow(function, flow));
      if (function.begin == image_->entry())
        continue;  // the C library as a program: functions like any other, by the table
      if (is_told_wrong(flow, code)) {
        std::cout << fmt::format("  the table is wrong about {:#x}\n", function.begin.value);
        ++tally_.told_wrong;
        continue;
      }
      for (const auto& [address, place] : flow.places()) {
        const gp_rule learned = place.facts.rule();
        if (learned.cfa_op == GP_CFA_NONE) continue;
        covered_.insert({address, place.length});
        const gp_rule* rule = told({address});
        if (rule == nullptr || rule->cfa_op == GP_CFA_NONE) continue;
        const bool right = agrees(place.facts, learned, *rule);
        ++(right ? tally_.agree : tally_.differ);
        if (!right && tally_.differ < 10)
          std::cout << fmt::format("  at {:#x} of {:#x}: told r{}{:+} rbp {}, learned r{}{:+} rbp {}\n", address,
                                   function.begin.value, rule->cfa_reg, rule->cfa_offset, rule->saved[GP_SAVED_RBP],
                                   learned.cfa_reg, learned.cfa_offset, learned.saved[GP_SAVED_RBP]);
      }
    }
  }

  std::optional<Image> image_;
  std::optional<UnwindSource> source_;
  RowBuilder builder_;
  std::unordered_map<uint64_t, UnwindPage> pages_;
  std::unordered_map<uint64_t, uint64_t> covered_;
  Decoder decoder_;
  Tally tally_;
};

TEST_P(CodeOracleTest, AgreesWithCallFrameInformation) {
  glob_t matches{};
  const int status = glob(GetParam(), 0, nullptr, &matches);
  const std::string path = status == 0 ? matches.gl_pathv[0] : "";
  globfree(&matches);
  if (path.empty()) GTEST_SKIP() << GetParam() << " is not on this host";
  image_ = Image::open(path).value();
  source_.emplace(*image_);
  const Section* text = image_->section(".text");
  ASSERT_NE(text, nullptr);
  // From the end: compilers put what is seldom run in front.
  const uint64_t size = std::min(text->size, kMost);
  const Vaddr begin = text->address + (text->size - size);
  const CodeBytes code(*image_, std::vector{CodeSpan{begin, begin + size}});
  CodeFunctions functions(*image_, code);
  compare(functions, code);
  uint64_t covered = 0;
  for (const auto& [address, length] : covered_) covered += length;
  std::cout << fmt::format("{}: {} functions, {:.1f} % of {} KiB of code; {} instructions agree, {} differ\n", path,
                           functions.functions().size(),
                           100.0 * static_cast<double>(covered) / static_cast<double>(size), size / 1024, tally_.agree,
                           tally_.differ);
  EXPECT_EQ(tally_.differ, 0U);
  EXPECT_LT(tally_.told_wrong, 5U);
  EXPECT_GT(tally_.agree, 10'000U);
}

INSTANTIATE_TEST_SUITE_P(Host, CodeOracleTest,
                         testing::Values("/usr/bin/python3.1*", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
                                         "/usr/bin/perl", "/usr/bin/bash", "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
                                         "/lib/x86_64-linux-gnu/libc.so.6"));

}  // namespace
}  // namespace gp::elf
