// The native step, rule by rule, over stacks made by hand: what a frame's caller is, and how walks end.
#include "walk/testing/native_walk.h"

namespace gp::walk {
namespace {

constexpr uint8_t kRbx = 3;
constexpr uint8_t kR12 = 12;

TEST_F(NativeWalkerTest, FindsTheCfaByARegister) {
  world_.words = {1, 2, kRoot};
  expect_root(rsp_rule(24));
  world_.registers.value[kR12] = address(5);
  expect_root(cfa_rule(GP_CFA_REG, kR12, -16));
}

TEST_F(NativeWalkerTest, FindsTheCfaThroughMemory) {
  world_.words = {1, 2, kRoot, address(3), 0};
  world_.registers.value[GP_REG_RBP] = address(4);
  expect_root(cfa_rule(GP_CFA_REG_DEREF, GP_REG_RBP, -8));
}

TEST_F(NativeWalkerTest, AddsToACfaFoundThroughMemory) {
  world_.words = {1, address(2), 2, kRoot};
  gp_rule rule = cfa_rule(GP_CFA_REG_DEREF_ADD, GP_REG_RSP, 16);
  rule.ra_offset = 1;
  expect_root(rule);
}

TEST_F(NativeWalkerTest, TellsTheTwoHalvesOfAPltStub) {
  world_.words = {kRoot, 7};
  expect_root(cfa_rule(GP_CFA_PLT, 0, 11));
  world_.words = {7, kRoot};
  world_.registers.value[GP_REG_RIP] = at(11);
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(places(walked), (Places{11, 0x110}));
}

TEST_F(NativeWalkerTest, FollowsFramePointersByDesignWithoutGuessing) {
  world_.words = {1, 2, 0, kRoot};
  world_.registers.value[GP_REG_RBP] = address(2);
  expect_root(cfa_rule(GP_CFA_FRAME_POINTER, 0, 0));
}

TEST_F(NativeWalkerTest, FollowsAFramePointerToAnotherStack) {
  world_.words = {1, 2};
  world_.other_words = {0, kRoot};
  world_.registers.value[GP_REG_RBP] = StackWorld::kOther;
  expect_root(cfa_rule(GP_CFA_FRAME_POINTER, 0, 0));
  world_.other_words = {0};
  expect_end(cfa_rule(GP_CFA_FRAME_POINTER, 0, 0), GP_END_STACK_READ);
}

TEST_F(NativeWalkerTest, TakesTheReturnAddressFromARegister) {
  gp_rule rule = rsp_rule(0);
  rule.ra_op = GP_RA_REGISTER;
  rule.ra_offset = GP_REG_RDI;
  world_.words = {1};
  world_.registers.value[GP_REG_RDI] = kRoot;
  expect_root(rule);
  world_.registers.valid &= ~(1U << GP_REG_RDI);
  expect_end(rule, GP_END_STACK_READ);
  rule.ra_offset = GP_REGS;  // no such register
  expect_end(rule, GP_END_STACK_READ);
}

TEST_F(NativeWalkerTest, LooksUpReturnAddressesInTheCall) {
  // The call is the last instruction before another function's first: 0x100 belongs to the root.
  world_.rule(0x80, rsp_rule(16));
  world_.words = {at(0x100), 5, kRoot};
  world_.rule(0, rsp_rule(8));
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(places(walked), (Places{0, 0x100, 0x110}));
  EXPECT_EQ(walked.frames[0].flags, 0);
  EXPECT_EQ(walked.frames[1].flags, GP_FRAME_RETURN_ADDRESS);
}

// The middle function finds its CFA by a register that only the leaf's saves can tell.
class SavedRegisterTest : public NativeWalkerTest {
 protected:
  SavedRegisterTest() {
    world_.rule(0x80, cfa_rule(GP_CFA_REG, kRbx, 0));
    // words: 0 saved rbx, 1 return to the middle, 2, 3 return to the root, 4 its CFA
    world_.words = {address(4), at(0x90), 1, kRoot, 2};
    world_.registers.value[kRbx] = address(4);
  }
  WalkedStack walk(int8_t saved, uint8_t flags = 0) {
    gp_rule leaf = rsp_rule(16);
    leaf.saved[GP_SAVED_RBX] = saved;
    leaf.flags = flags;
    world_.rule(0, leaf);
    return world_.load_and_walk();
  }
  const Places whole_{0, 0x90, 0x110};
};

TEST_F(SavedRegisterTest, SameMeansTheCurrentValue) {
  EXPECT_EQ(places(walk(GP_SAVED_SAME)), whole_);
  world_.registers.value[kRbx] = address(1);
  EXPECT_EQ(walk(GP_SAVED_SAME).end, GP_END_NO_PROGRESS);
}

TEST_F(SavedRegisterTest, RestoresFromBelowTheCfa) {
  world_.registers.value[kRbx] = 0;
  EXPECT_EQ(places(walk(-2)), whole_);
  world_.registers.valid = GP_REGS_ALL & ~(1U << kRbx);
  EXPECT_EQ(places(walk(-2)), whole_) << "a restored register is known again";
}

TEST_F(SavedRegisterTest, UnknownRegistersAreNotUsed) {
  const auto walked = walk(GP_SAVED_UNKNOWN);
  EXPECT_EQ(walked.end, GP_END_STACK_READ);
  EXPECT_EQ(places(walked), (Places{0, 0x90}));
}

TEST_F(SavedRegisterTest, UnreadableSavesMakeARegisterUnknown) {
  EXPECT_EQ(walk(-100).end, GP_END_STACK_READ);
  EXPECT_EQ(walk(100).end, GP_END_STACK_READ);
}

TEST_F(SavedRegisterTest, RestoresRelativeToTheFramePointer) {
  world_.registers.value[kRbx] = 0;
  world_.registers.value[GP_REG_RBP] = address(1);
  EXPECT_EQ(places(walk(-1, GP_RULE_SAVED_AT_FP)), whole_);
  world_.registers.value[GP_REG_RBP] = address(0);
  EXPECT_EQ(places(walk(GP_SAVED_AT_FP_ZERO, GP_RULE_SAVED_AT_FP)), whole_);
}

TEST_F(SavedRegisterTest, RegistersSavedAtTheFramePointerAreKnownAgain) {
  world_.registers.valid = GP_REGS_ALL & ~(1U << kRbx);
  world_.registers.value[GP_REG_RBP] = address(0);
  EXPECT_EQ(places(walk(GP_SAVED_AT_FP_ZERO, GP_RULE_SAVED_AT_FP)), whole_);
}

TEST_F(SavedRegisterTest, AnUnknownFramePointerRestoresNothing) {
  world_.registers.value[GP_REG_RBP] = address(0);
  world_.registers.valid = GP_REGS_ALL & ~(1U << GP_REG_RBP);
  EXPECT_EQ(walk(GP_SAVED_AT_FP_ZERO, GP_RULE_SAVED_AT_FP).end, GP_END_STACK_READ);
  world_.registers.value[GP_REG_RBP] = address(1);
  EXPECT_EQ(walk(-1, GP_RULE_SAVED_AT_FP).end, GP_END_STACK_READ);
}

TEST_F(SavedRegisterTest, CallerSavedRegistersAreUnknownInTheCaller) {
  world_.registers.value[0] = address(4);
  world_.rule(0x80, cfa_rule(GP_CFA_REG, 0 /* rax */, 0));
  EXPECT_EQ(walk(GP_SAVED_SAME).end, GP_END_STACK_READ);
}

TEST_F(NativeWalkerTest, TakesAllRegistersFromASignalFrame) {
  // The handler returns into the trampoline at 0x200; the kernel's frame lies from word 1 on.
  world_.rule(0, rsp_rule(8));
  world_.rule(0x200, cfa_rule(GP_CFA_SIGNAL, 0, 16));
  world_.rule(0x300, cfa_rule(GP_CFA_REG, kR12, 8));
  world_.words.assign(64, 0);
  world_.words[0] = at(0x201);
  uint64_t* context = &world_.words[1 + 2 + 5];
  context[4] = address(50);   // r12
  context[15] = address(40);  // rsp
  context[16] = at(0x300);    // rip: the first byte of its function, no call
  world_.words[50] = kRoot;
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(walked.end, GP_END_ROOT);
  EXPECT_EQ(places(walked), (Places{0, 0x201, 0x300, 0x110}));
  EXPECT_EQ(walked.frames[2].flags, 0);
  world_.words.resize(20);  // the context does not fit any more
  EXPECT_EQ(world_.walk().end, GP_END_STACK_READ);
}

TEST_F(NativeWalkerTest, EndsAtTheRoot) {
  expect_end(cfa_rule(GP_CFA_ROOT, 0, 0), GP_END_ROOT);
  world_.words = {0};
  expect_end(rsp_rule(8), GP_END_ROOT);  // a coroutine's first frame returns to 0
  world_.registers.value[GP_REG_RBP] = 0;
  expect_end(cfa_rule(GP_CFA_NONE, 0, 0), GP_END_ROOT);
}

TEST_F(NativeWalkerTest, EndsWithoutProgress) {
  world_.words = {kRoot, kRoot};
  world_.registers.value[GP_REG_RSP] = address(1);
  expect_end(rsp_rule(0), GP_END_NO_PROGRESS);
  expect_end(rsp_rule(-8), GP_END_NO_PROGRESS);
  // With the return address in a register the stack pointer may stay, but not go back.
  gp_rule rule = rsp_rule(-8);
  rule.ra_op = GP_RA_REGISTER;
  expect_end(rule, GP_END_NO_PROGRESS);
}

TEST_F(NativeWalkerTest, EndsWhereTheStackCannotBeRead) {
  world_.words = {1};
  expect_end(rsp_rule(24), GP_END_STACK_READ);
  expect_end(cfa_rule(GP_CFA_REG_DEREF, GP_REG_RSP, 64), GP_END_STACK_READ);
  expect_end(cfa_rule(GP_CFA_REG_DEREF_ADD, GP_REG_RSP, 64), GP_END_STACK_READ);
  expect_end(cfa_rule(GP_CFA_REG, 31, 8), GP_END_STACK_READ);  // no such register
  world_.registers.value[GP_REG_RBP] = 0x1000;
  expect_end(cfa_rule(GP_CFA_FRAME_POINTER, 0, 0), GP_END_STACK_READ);
}

class GuessTest : public NativeWalkerTest {
 protected:
  GuessTest() {
    world_.words = {1, 2, 0, kRoot, 5};
    world_.registers.value[GP_REG_RBP] = address(2);
  }
  const gp_rule none_ = cfa_rule(GP_CFA_NONE, 0, 0);
};

TEST_F(GuessTest, FollowsTheFramePointerAndSaysSo) {
  world_.rule(0, none_);
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(walked.end, GP_END_ROOT);
  EXPECT_EQ(places(walked), (Places{0, 0x110}));
  EXPECT_TRUE(walked.guessed);
  EXPECT_EQ(walked.frames[0].flags, GP_FRAME_GUESSED);
  EXPECT_EQ(walked.frames[1].flags, GP_FRAME_RETURN_ADDRESS);
}

TEST_F(GuessTest, FollowsItThroughGeneratedCodeAndEmptyPages) {
  world_.mappings.push_back({.start = 0x900000, .end = 0x901000, .offset = 0, .file = GP_NO_FILE, .flags = 0});
  world_.registers.value[GP_REG_RIP] = 0x900010;
  world_.words = {1, 2, address(4), at(GP_PAGE_SIZE + 5), 0, kRoot};
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(walked.end, GP_END_ROOT);
  EXPECT_EQ(places(walked), (Places{0x900010, GP_PAGE_SIZE + 5, 0x110}));
  EXPECT_EQ(walked.frames[0].kind, GP_FRAME_JIT);
  EXPECT_EQ(walked.frames[1].kind, GP_FRAME_NATIVE);
}

TEST_F(GuessTest, RejectsWhatCannotBeAFramePointer) {
  for (const uint64_t fp : {address(0) - 8, address(0) + (1U << 20U) + 8, address(2) + 4, uint64_t{8}}) {
    world_.registers.value[GP_REG_RBP] = fp;
    expect_end(none_, GP_END_NO_RULE);
  }
  world_.registers.value[GP_REG_RBP] = address(4);  // the pair does not lie in the stack
  expect_end(none_, GP_END_NO_RULE);
  world_.registers.value[GP_REG_RBP] = address(2);
  world_.registers.valid &= ~(1U << GP_REG_RBP);
  expect_end(none_, GP_END_NO_RULE);
}

TEST_F(GuessTest, AGuessThatLeadsNowhereIsNoMiss) {
  world_.words[3] = 0x1234;
  expect_end(none_, GP_END_NO_RULE);
}

TEST_F(GuessTest, KnowsOnlyTheFramePointerAfterwards) {
  world_.rule(0x80, cfa_rule(GP_CFA_REG, kRbx, 0));
  world_.words[3] = at(0x90);
  world_.registers.value[kRbx] = address(5);
  world_.rule(0, none_);
  EXPECT_EQ(world_.load_and_walk().end, GP_END_STACK_READ);
}

TEST_F(NativeWalkerTest, StopsAtTheFrameLimitAndKeepsTheLeafEnd) {
  world_.rule(0, rsp_rule(16));
  world_.words.assign(2200, at(0x20));
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(walked.end, GP_END_DEPTH);
  ASSERT_EQ(walked.frames.size(), size_t{GP_MAX_FRAMES});
  EXPECT_EQ(walked.frames[0].value, 0U);
  EXPECT_EQ(walked.frames[GP_MAX_FRAMES - 1].value, 0x20U);
}

TEST_F(NativeWalkerTest, AStackThatGoesRoundEnds) {
  // Frame pointers by design are followed wherever they lead.
  world_.words = {address(0), at(0x20)};
  world_.registers.value[GP_REG_RBP] = address(0);
  world_.rule(0, cfa_rule(GP_CFA_FRAME_POINTER, 0, 0));
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(walked.end, GP_END_DEPTH);
  EXPECT_EQ(walked.frames.size(), size_t{GP_MAX_FRAMES});
}

}  // namespace
}  // namespace gp::walk
