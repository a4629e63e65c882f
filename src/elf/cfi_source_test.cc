#include "elf/cfi_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/cfi_test_bytes.h"

namespace gp::elf {
namespace {

using testing::ElementsAre;

constexpr uint64_t kPage = 0x10000;

const gp_rule& rule_of(const UnwindPage& page, size_t row) { return page.rules[page.rows[row].rule]; }

std::vector<uint32_t> pcs(const UnwindPage& page) {
  std::vector<uint32_t> found;
  found.reserve(page.rows.size());
  for (const gp_row& row : page.rows) found.push_back(row.pc);
  return found;
}

Code operator+(Code left, const Code& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

TEST(CfiSource, FollowsPrologueAndEpilogue) {
  const auto page = FrameBytes()
                        .add(kPage + 0x100, 0x40,
                             {kAdvance1, DW_CFA_def_cfa_offset, 16, kOffsetRbp, 2, DW_CFA_advance_loc1, 3,
                              DW_CFA_def_cfa_register, 6, DW_CFA_advance_loc2, 0x20, 0, DW_CFA_remember_state,
                              DW_CFA_def_cfa, 7, 8, DW_CFA_restore | 6, kAdvance1, DW_CFA_restore_state})
                        .compile();
  EXPECT_THAT(pcs(page), ElementsAre(0x100, 0x101, 0x104, 0x124, 0x125, 0x140));
  EXPECT_EQ(rule_of(page, 0).cfa_offset, 8);
  EXPECT_EQ(rule_of(page, 0).saved[GP_SAVED_RBP], GP_SAVED_SAME);
  EXPECT_EQ(rule_of(page, 1).cfa_offset, 16);
  EXPECT_EQ(rule_of(page, 1).saved[GP_SAVED_RBP], -2);
  EXPECT_EQ(rule_of(page, 2).cfa_reg, kDwarfRbp);
  EXPECT_EQ(page.rows[3].rule, page.rows[0].rule) << "rules are shared";
  EXPECT_EQ(page.rows[4].rule, page.rows[2].rule);
  EXPECT_EQ(rule_of(page, 5).cfa_op, GP_CFA_NONE);
  EXPECT_EQ(rule_of(page, 0).ra_offset, -8);
  EXPECT_EQ(page.unrepresented, 0U);
  EXPECT_EQ(page.malformed, 0U);
}

TEST(CfiSource, CutsFunctionsToThePage) {
  const Code grow = {DW_CFA_advance_loc4, 0x00, 0x80, 0, 0, DW_CFA_def_cfa_offset, 32};
  const auto frames = FrameBytes().add(kPage - 0x100, 0x20100, grow);
  EXPECT_THAT(pcs(frames.compile(0)), ElementsAre(0xff00));
  EXPECT_THAT(pcs(frames.compile(kPage)), ElementsAre(0, 0x7f00));
  const auto last = frames.compile(2 * kPage);
  EXPECT_THAT(pcs(last), ElementsAre(0));
  EXPECT_EQ(rule_of(last, 0).cfa_offset, 32);
  EXPECT_TRUE(frames.compile(3 * kPage).rows.empty());
  EXPECT_TRUE(frames.compile(3 * kPage).rules.empty());
}

TEST(CfiSource, JoinsEqualNeighboursAndMarksGaps) {
  const auto page = FrameBytes()
                        .add(kPage + 0x10, 0x10, {})
                        .add(kPage + 0x20, 0x10, {DW_CFA_nop})
                        .add(kPage + 0x40, 0x10, {})
                        .compile();
  EXPECT_THAT(pcs(page), ElementsAre(0x10, 0x30, 0x40, 0x50));
  EXPECT_EQ(rule_of(page, 1).cfa_op, GP_CFA_NONE);
  EXPECT_EQ(page.rules.size(), 2U);
}

TEST(CfiSource, LaterOfOverlappingFunctionsWins) {
  const auto page =
      FrameBytes().add(kPage + 0x10, 0x30, {}).add(kPage + 0x20, 0x10, {DW_CFA_def_cfa_offset, 64}).compile();
  EXPECT_THAT(pcs(page), ElementsAre(0x10, 0x20, 0x30));
}

TEST(CfiSource, NestsRememberedStates) {
  Code code;
  for (uint8_t depth = 2; depth < 12; ++depth)
    code = code + Code{DW_CFA_remember_state, DW_CFA_def_cfa_offset, static_cast<uint8_t>(depth * 8), kAdvance1};
  for (int depth = 0; depth < 10; ++depth) code = code + Code{DW_CFA_restore_state, kAdvance1};
  const auto page = FrameBytes().add(kPage, 0x40, code).compile();
  ASSERT_EQ(page.rows.size(), 21U);
  EXPECT_EQ(rule_of(page, 9).cfa_offset, 88);
  EXPECT_EQ(rule_of(page, 10).cfa_offset, 80);
  EXPECT_EQ(rule_of(page, 19).cfa_offset, 8);
}

TEST(CfiSource, BoundsRememberedStates) {
  const auto page = FrameBytes().add(kPage, 0x40, Code(1000, DW_CFA_remember_state)).compile();
  EXPECT_TRUE(page.rows.empty());
  EXPECT_EQ(page.malformed, 1U);
}

TEST(CfiSource, RecognisesCfaExpressions) {
  const Code plt = {DW_OP_breg7, 8,        DW_OP_breg16, 0,         DW_OP_lit15, DW_OP_and,
                    DW_OP_lit11, DW_OP_ge, DW_OP_lit3,   DW_OP_shl, DW_OP_plus};
  const auto page =
      FrameBytes()
          .add(kPage, 0x10, Code{DW_CFA_def_cfa_expression, static_cast<uint8_t>(plt.size())} + plt)
          .add(kPage + 0x10, 0x10, {DW_CFA_def_cfa_expression, 3, DW_OP_breg6, 0x78, DW_OP_deref})
          .add(kPage + 0x20, 0x10, {DW_CFA_def_cfa_expression, 2, DW_OP_breg3, 0x18})
          .add(kPage + 0x30, 0x10, {DW_CFA_def_cfa_expression, 5, DW_OP_breg7, 0x18, DW_OP_deref, DW_OP_plus_uconst, 8})
          .add(kPage + 0x40, 0x10, {DW_CFA_def_cfa_expression, 2, DW_OP_lit3, DW_OP_deref})
          .compile();
  ASSERT_EQ(page.rows.size(), 5U);
  EXPECT_EQ(rule_of(page, 0).cfa_op, GP_CFA_PLT);
  EXPECT_EQ(rule_of(page, 0).cfa_offset, 11);
  EXPECT_EQ(rule_of(page, 1).cfa_op, GP_CFA_REG_DEREF);
  EXPECT_EQ(rule_of(page, 1).cfa_reg, 6);
  EXPECT_EQ(rule_of(page, 1).cfa_offset, -8);
  EXPECT_EQ(rule_of(page, 2).cfa_op, GP_CFA_REG);
  EXPECT_EQ(rule_of(page, 2).cfa_reg, 3);
  EXPECT_EQ(rule_of(page, 2).cfa_offset, 24);
  EXPECT_EQ(rule_of(page, 3).cfa_op, GP_CFA_REG_DEREF_ADD);
  EXPECT_EQ(rule_of(page, 3).ra_offset, 3) << "words, not bytes";
  EXPECT_EQ(rule_of(page, 3).cfa_offset, 8);
  EXPECT_EQ(rule_of(page, 4).cfa_op, GP_CFA_NONE);
  EXPECT_EQ(page.unrepresented, 1U);
}

// What GCC writes for a function that aligns its stack: CFA behind a saved pointer, registers relative to rbp.
TEST(CfiSource, FollowsOverAlignedFunctions) {
  const auto page = FrameBytes()
                        .add(kPage, 0x40,
                             {DW_CFA_def_cfa,
                              10,
                              0,
                              kAdvance1,
                              DW_CFA_expression,
                              6,
                              2,
                              DW_OP_breg6,
                              0,
                              DW_CFA_def_cfa_expression,
                              3,
                              DW_OP_breg6,
                              0x78,
                              DW_OP_deref,
                              DW_CFA_expression,
                              15,
                              2,
                              DW_OP_breg6,
                              0x70,
                              kAdvance1,
                              DW_CFA_def_cfa,
                              6,
                              16})
                        .compile();
  ASSERT_EQ(page.rows.size(), 4U);
  EXPECT_EQ(rule_of(page, 0).cfa_reg, 10);
  EXPECT_EQ(rule_of(page, 1).flags, GP_RULE_SAVED_AT_FP);
  EXPECT_EQ(rule_of(page, 1).saved[GP_SAVED_RBP], GP_SAVED_AT_FP_ZERO);
  EXPECT_EQ(rule_of(page, 1).saved[5], -2);
  // With the CFA known from rbp the same places are relative to it.
  EXPECT_EQ(rule_of(page, 2).flags, 0);
  EXPECT_EQ(rule_of(page, 2).saved[GP_SAVED_RBP], -2);
  EXPECT_EQ(rule_of(page, 2).saved[5], -4);
  EXPECT_EQ(page.unrepresented, 0U);
}

TEST(CfiSource, KnowsRootsAndReturnAddressRegisters) {
  const auto page = FrameBytes()
                        .add(kPage, 0x10, {DW_CFA_undefined, 16})
                        .add(kPage + 0x10, 0x10, {DW_CFA_def_cfa_offset, 0, DW_CFA_register, 16, 5})
                        .compile();
  ASSERT_EQ(page.rows.size(), 3U);
  EXPECT_EQ(rule_of(page, 0).cfa_op, GP_CFA_ROOT);
  EXPECT_EQ(rule_of(page, 1).ra_op, GP_RA_REGISTER);
  EXPECT_EQ(rule_of(page, 1).ra_offset, 5);
}

TEST(CfiSource, KnowsSignalTrampolines) {
  // As glibc's: rip at rsp + 168 (0xa8 0x01), the function begins a byte early.
  const Code restore = {DW_CFA_def_cfa_expression, 4,  DW_OP_breg7, 0xa0,        0x01, DW_OP_deref,
                        DW_CFA_expression,         16, 3,           DW_OP_breg7, 0xa8, 0x01};
  const auto page = FrameBytes("zRS", {DW_EH_PE_pcrel | DW_EH_PE_sdata4})
                        .add(kPage + 0x1f, 0x11, restore)
                        .add(kPage + 0x40, 0x10, {})
                        .compile();
  EXPECT_THAT(pcs(page), ElementsAre(0x1f, 0x30, 0x40, 0x50));
  EXPECT_EQ(rule_of(page, 0).cfa_op, GP_CFA_SIGNAL);
  EXPECT_EQ(rule_of(page, 0).cfa_offset, 0);
  EXPECT_EQ(rule_of(page, 2).cfa_op, GP_CFA_REG) << "plain rules hold in functions merely marked so";
  const auto unmarked = FrameBytes("zR", {DW_EH_PE_pcrel | DW_EH_PE_sdata4}).add(kPage, 0x10, restore).compile();
  EXPECT_TRUE(unmarked.rows.empty());
}

TEST(CfiSource, SaysWhichSavedRegistersAreLost) {
  const auto page = FrameBytes()
                        .add(kPage, 0x10,
                             {DW_CFA_offset | 3, 0x80, 0x01,             // 128 words below the CFA
                              DW_CFA_val_expression, 12, 1, DW_OP_lit0,  // a value
                              DW_CFA_register, 13, 1,                    // moved
                              DW_CFA_undefined, 14, DW_CFA_same_value, 15, kOffsetRbp, 127})
                        .compile();
  const gp_rule& rule = rule_of(page, 0);
  EXPECT_THAT(rule.saved,
              ElementsAre(GP_SAVED_UNKNOWN, -127, GP_SAVED_UNKNOWN, GP_SAVED_UNKNOWN, GP_SAVED_UNKNOWN, GP_SAVED_SAME));
  EXPECT_EQ(page.unrepresented, 1U);
}

TEST(CfiSource, HasNoRuleWhereTheStackPointerIsNotTheCfa) {
  const auto page = FrameBytes()
                        .add(kPage, 0x10, {DW_CFA_offset | 7, 2})
                        .add(kPage + 0x10, 0x10, {DW_CFA_val_offset, 7, 0})
                        .compile();
  EXPECT_THAT(pcs(page), ElementsAre(0x10, 0x20));
  EXPECT_EQ(page.unrepresented, 1U);
}

TEST(CfiSource, EndsAtWhatItCannotRead) {
  const auto page = FrameBytes()
                        .add(kPage, 0x10, {kAdvance1, DW_CFA_def_cfa_offset, 16, kAdvance1, 0x3f})
                        .add(kPage + 0x10, 0x10, {DW_CFA_def_cfa_offset})
                        .add(kPage + 0x20, 0x10, {DW_CFA_restore_state})
                        .compile();
  EXPECT_THAT(pcs(page), ElementsAre(0, 1, 2));
  EXPECT_EQ(rule_of(page, 2).cfa_op, GP_CFA_NONE);
  EXPECT_EQ(page.malformed, 3U);
}

TEST(CfiSource, SkipsPersonalityAndLsda) {
  const Code data = {DW_EH_PE_indirect | DW_EH_PE_pcrel | DW_EH_PE_sdata4,
                     1,
                     2,
                     3,
                     4,
                     DW_EH_PE_pcrel | DW_EH_PE_sdata4,
                     DW_EH_PE_pcrel | DW_EH_PE_sdata4};
  EXPECT_THAT(pcs(FrameBytes("zPLR", data).add(kPage, 0x10, {}).compile()), ElementsAre(0, 0x10));
  const Code indirect = {DW_EH_PE_indirect | DW_EH_PE_pcrel | DW_EH_PE_sdata4};
  EXPECT_TRUE(FrameBytes("zR", indirect).add(kPage, 0x10, {}).compile().rows.empty());
}

TEST(CfiSource, ReadsAllVersions) {
  for (const uint8_t version : Code{1, 3, 4})
    EXPECT_THAT(pcs(FrameBytes("", {}, version).add(kPage, 0x10, {}).compile()), ElementsAre(0, 0x10));
  EXPECT_TRUE(FrameBytes("", {}, 2).add(kPage, 0x10, {}).compile().rows.empty());
}

TEST(CfiSource, BearsLyingLengths) {
  auto frames = FrameBytes().add(kPage, 0x10, {}).add(kPage + 0x10, 0x10, {});
  for (size_t at = 0; at + 4 <= frames.bytes().size(); ++at) {
    for (const uint8_t value : Code{0x00, 0x7f, 0xff}) {
      auto broken = frames;
      std::fill_n(broken.bytes().begin() + static_cast<ptrdiff_t>(at), 4, value);
      EXPECT_LE(broken.compile().rows.size(), 4U);
    }
  }
}

TEST(RowBuilder, KeepsWithinItsRules) {
  RowBuilder builder;
  builder.start();
  for (uint32_t pc = 0; pc < 20000; ++pc) {
    gp_rule rule{};
    rule.cfa_op = GP_CFA_REG;
    rule.cfa_offset = static_cast<int32_t>(pc);
    builder.add(pc, rule);
  }
  const auto page = builder.finish();
  EXPECT_EQ(page.rules.size(), kMaxRules);
  EXPECT_EQ(page.rows.size(), kMaxRules);  // one rule is "no rule", one row begins it
  EXPECT_EQ(page.unrepresented, 20000 - (kMaxRules - 1));
}

}  // namespace
}  // namespace gp::elf
