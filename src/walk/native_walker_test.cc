// The native step, rule by rule, over stacks made by hand: what a frame's caller is, and how walks end.
#include "walk/native_walker.h"

#include <gtest/gtest.h>

#include "walk/testing/stack_world.h"

namespace gp::walk {
namespace {

constexpr uint8_t kRbx = 3;
constexpr uint8_t kR12 = 12;
using Places = std::vector<uint64_t>;

class NativeWalkerTest : public testing::Test {
 protected:
  // The function at 0x100 calls the one at hand and is the stack's root.
  NativeWalkerTest() { world_.rule(0x100, cfa_rule(GP_CFA_ROOT, 0, 0)); }
  static constexpr uint64_t kRoot = StackWorld::kCode + 0x110;
  static constexpr uint64_t at(uint64_t offset) { return StackWorld::kCode + offset; }
  static uint64_t address(size_t word) { return StackWorld::address(word); }

  // The leaf, with `leaf` as its rule, must be seen to return to kRoot.
  void expect_root(const gp_rule& leaf) {
    world_.rule(0, leaf);
    const auto walked = world_.load_and_walk();
    EXPECT_EQ(walked.end, GP_END_ROOT);
    EXPECT_EQ(places(walked), (Places{0, 0x110}));
    EXPECT_FALSE(walked.guessed);
  }
  // The leaf alone is seen, and the walk ends for that reason.
  void expect_end(const gp_rule& leaf, gp_walk_end end) {
    world_.rule(0, leaf);
    const auto walked = world_.load_and_walk();
    EXPECT_EQ(walked.end, end);
    EXPECT_EQ(places(walked), Places{0});
  }

  StackWorld world_;
};

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

TEST_F(NativeWalkerTest, SaysWhatIsMissing) {
  world_.words = {kRoot};
  world_.rule(0, rsp_rule(8));
  world_.load();
  gp_file& file = world_.plain.tables.files[0];
  uint64_t& page = world_.plain.tables.pages[0];
  const uint64_t loaded = page;
  const auto end = [this] { return world_.walk().end; };

  page = GP_PAGE_NOT_LOADED;
  EXPECT_EQ(end(), GP_END_PAGE_MISSING);
  EXPECT_EQ(world_.walk().missing_pc, at(0));
  page = GP_PAGE_UNREADABLE;
  EXPECT_EQ(end(), GP_END_PAGE_UNREADABLE);
  page = loaded;
  file.state = GP_FILE_NOT_LOADED;
  EXPECT_EQ(end(), GP_END_PAGE_MISSING);
  file.state = GP_FILE_UNREADABLE;
  EXPECT_EQ(end(), GP_END_PAGE_UNREADABLE);
  file.state = GP_FILE_LOADED;
  EXPECT_EQ(end(), GP_END_ROOT);
  world_.mappings[0].file = 1000;
  EXPECT_EQ(end(), GP_END_NO_MAPPING);
  world_.mappings.clear();
  EXPECT_EQ(end(), GP_END_NO_MAPPING);
}

TEST_F(NativeWalkerTest, CodeOutsideTheDirectoryHasNoRules) {
  world_.registers.valid &= ~(1U << GP_REG_RBP);
  world_.load();
  world_.mappings[0].offset = uint64_t{StackWorld::kFilePages} << GP_PAGE_SHIFT;
  EXPECT_EQ(world_.walk().end, GP_END_NO_RULE);
  world_.plain.tables.files[0].page_base = 1000;  // the pc lies before it
  EXPECT_EQ(world_.walk().end, GP_END_NO_RULE);
  world_.plain.tables.files[0] = {.page_first = 0xffffff00,
                                  .page_count = 1U << 30U,
                                  .page_base = 0,
                                  .runtime = 0,
                                  .state = GP_FILE_LOADED,
                                  .reserved = 0,
                                  .eval = {}};
  EXPECT_EQ(world_.walk().end, GP_END_NO_RULE);
}

TEST_F(NativeWalkerTest, PlacesOutsideASegmentAreMissing) {
  world_.load();
  uint64_t& page = world_.plain.tables.pages[0];
  const uint64_t rows = uint64_t{1000} << 18U;
  page = 63 | rows | uint64_t{1} << 48U;  // no such segment
  EXPECT_EQ(world_.walk().end, GP_END_PAGE_MISSING);
  page = 200 | rows | uint64_t{1} << 48U;  // beyond all segments
  EXPECT_EQ(world_.walk().end, GP_END_PAGE_MISSING);
  page = uint64_t{1023} << 8U | rows | uint64_t{1} << 48U;  // rows run over the segment's end
  EXPECT_EQ(world_.walk().end, GP_END_PAGE_MISSING);
  page = 1 << 8U | uint64_t{1} << 18U | uint64_t{1} << 48U;  // one row; its rule lies outside
  *(world_.plain.tables.segments[0] + GP_CHUNK_WORDS) = 0xffff0000U;
  EXPECT_EQ(world_.walk().end, GP_END_PAGE_MISSING);
}

TEST_F(NativeWalkerTest, FindsEveryMappingByItsEdges) {
  world_.mappings.clear();
  for (uint32_t i = 0; i < GP_MAPPINGS_PER_PROCESS; ++i) {
    const uint64_t start = 0x10000 + uint64_t{i} * 0x3000;
    world_.mappings.push_back({.start = start, .end = start + 0x1000, .offset = 0, .file = GP_NO_FILE, .flags = 0});
  }
  world_.registers.value[GP_REG_RBP] = 0;
  world_.load();
  const auto end_at = [this](uint64_t pc, uint32_t is_return) {
    world_.registers.value[GP_REG_RIP] = pc;
    world_.registers.is_return = is_return;
    return world_.walk().end;
  };
  for (const gp_mapping& mapping : world_.mappings) {
    ASSERT_EQ(end_at(mapping.start, 0), GP_END_ROOT);
    ASSERT_EQ(end_at(mapping.end - 1, 0), GP_END_ROOT);
    ASSERT_EQ(end_at(mapping.end, 1), GP_END_ROOT) << "a call may be a mapping's last instruction";
    ASSERT_EQ(end_at(mapping.start, 1), GP_END_NO_MAPPING);
    ASSERT_EQ(end_at(mapping.end, 0), GP_END_NO_MAPPING);
  }
  EXPECT_EQ(end_at(0, 0), GP_END_NO_MAPPING);
  EXPECT_EQ(end_at(0, 1), GP_END_NO_MAPPING);
  EXPECT_EQ(end_at(UINT64_MAX, 0), GP_END_NO_MAPPING);
}

TEST_F(NativeWalkerTest, FindsEveryRowOfTheLongestTable) {
  gp_rule odd = rsp_rule(8);
  gp_rule even = rsp_rule(16);
  for (uint32_t pc = 0; pc < GP_PAGE_SIZE; ++pc) world_.rule(GP_PAGE_SIZE + pc, pc % 2 == 1 ? odd : even);
  world_.words = {kRoot, at(0x120)};
  world_.load();
  for (uint32_t pc = 0; pc < GP_PAGE_SIZE; ++pc) {
    world_.registers.value[GP_REG_RIP] = at(GP_PAGE_SIZE + pc);
    const auto walked = world_.walk();
    ASSERT_EQ(walked.frames.size(), 2U);
    ASSERT_EQ(walked.frames[1].value, pc % 2 == 1 ? 0x110U : 0x120U) << pc;
  }
}

TEST_F(NativeWalkerTest, CodeBeforeTheFirstRowHasNoRule) {
  world_.rule(GP_PAGE_SIZE + 8, rsp_rule(8));
  world_.registers.value[GP_REG_RBP] = 0;
  world_.registers.value[GP_REG_RIP] = at(GP_PAGE_SIZE + 7);
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(walked.end, GP_END_ROOT);
  EXPECT_EQ(walked.frames[0].flags, GP_FRAME_GUESSED);
}

// Whatever the copy's length, its last word can be read and the one behind it cannot.
TEST_F(NativeWalkerTest, ReadsUpToTheEndOfTheCopy) {
  for (size_t count = 1; count < 1200; ++count) {
    world_.words.assign(count, 1);
    world_.words.back() = kRoot;
    world_.rule(0, rsp_rule(static_cast<int32_t>(8 * count)));
    ASSERT_EQ(world_.load_and_walk().end, GP_END_ROOT) << count;
    world_.rule(0, rsp_rule(static_cast<int32_t>(8 * count + 8)));
    ASSERT_EQ(world_.load_and_walk().end, GP_END_STACK_READ) << count;
  }
}

class InterpreterTest : public NativeWalkerTest {
 protected:
  // The interpreter loop is [0x400, 0x500); C code at 0x300 calls it again.
  InterpreterTest() {
    gp_file& file = world_.plain.tables.files[0];
    file.runtime = GP_RUNTIME_PYTHON;
    file.eval[0] = {.start = 0x400, .end = 0x500};
    world_.rule(0, rsp_rule(8));
    world_.rule(0x300, rsp_rule(8));
    world_.words = {at(0x310), at(0x410), at(0x320), at(0x420), kRoot};
  }
  static gp_frame python(uint64_t object, uint8_t flags = 0) {
    return {.kind = GP_FRAME_PYTHON, .flags = flags, .cookie = 0, .extra = 0, .value = object};
  }
  static gp_frame place(uint64_t on_stack, uint32_t runtime = GP_RUNTIME_PYTHON) {
    return {.kind = GP_FRAME_PLACE, .flags = 0, .cookie = 0, .extra = runtime, .value = on_stack};
  }
};

TEST_F(InterpreterTest, PutsPendingFramesWhereTheLoopIsMet) {
  world_.pending = {place(GP_PLACE_UNKNOWN), python(1), python(2, GP_FRAME_ENTRY), python(3, GP_FRAME_ENTRY)};
  world_.before = {{.kind = GP_FRAME_NATIVE, .flags = 0, .cookie = 0, .extra = 0, .value = 0xbe}};
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(walked.end, GP_END_ROOT);
  EXPECT_EQ(places(walked), (Places{0xbe, 0, 0x310, 1, 2, 0x320, 3, 0x110}));
}

TEST_F(InterpreterTest, TheSplitOffPartOfTheLoopCounts) {
  gp_file& file = world_.plain.tables.files[0];
  file.eval[1] = {.start = 0x300, .end = 0x320};
  world_.pending = {place(GP_PLACE_UNKNOWN), python(1, GP_FRAME_ENTRY), python(2, GP_FRAME_ENTRY),
                    python(3, GP_FRAME_ENTRY), python(4, GP_FRAME_ENTRY)};
  EXPECT_EQ(places(world_.load_and_walk()), (Places{0, 1, 2, 3, 4, 0x110}));
}

TEST_F(InterpreterTest, LoopsWithoutPendingFramesShowThemselves) {
  world_.pending = {place(GP_PLACE_UNKNOWN), python(1, GP_FRAME_ENTRY)};
  EXPECT_EQ(places(world_.load_and_walk()), (Places{0, 0x310, 1, 0x320, 0x420, 0x110}));
}

TEST_F(InterpreterTest, LeavesPendingFramesToTheActivationOnWhoseStackTheyLie) {
  world_.pending = {place(GP_PLACE_UNKNOWN), python(1, GP_FRAME_ENTRY), python(2, GP_FRAME_ENTRY)};
  EXPECT_EQ(places(world_.load_and_walk()), (Places{0, 0x310, 1, 0x320, 2, 0x110}));
  world_.pending[0] = place(StackWorld::address(2));  // on the innermost activation's stack
  EXPECT_EQ(places(world_.walk()), (Places{0, 0x310, 1, 0x320, 2, 0x110}));
  world_.pending[0] = place(StackWorld::address(3));  // above it
  EXPECT_EQ(places(world_.walk()), (Places{0, 0x310, 0x410, 0x320, 1, 0x110}));
  world_.pending[0] = place(GP_PLACE_OUTER);
  EXPECT_EQ(places(world_.walk()), (Places{0, 0x310, 0x410, 0x320, 1, 0x110}));
  world_.pending.resize(1);
  EXPECT_EQ(places(world_.walk()), (Places{0, 0x310, 0x410, 0x320, 0x420, 0x110}));
}

// The loop of a second runtime lies in a file of its own and calls the first one's.
TEST_F(InterpreterTest, TakesEachRuntimesFramesAtItsOwnLoops) {
  gp_file& other = world_.plain.tables.files[1];
  other = world_.plain.tables.files[0];
  other.runtime = GP_RUNTIME_RUBY;
  constexpr uint64_t kOther = StackWorld::kCode + 0x1000000;
  world_.mappings.push_back({.start = kOther, .end = kOther + GP_PAGE_SIZE, .offset = 0, .file = 1, .flags = 0});
  world_.words = {at(0x410), kOther + 0x410, at(0x420), kOther + 0x420, kRoot};
  const gp_frame ruby{.kind = GP_FRAME_RUBY, .flags = GP_FRAME_ENTRY, .cookie = 0, .extra = 0, .value = 7};
  world_.pending = {place(GP_PLACE_UNKNOWN), python(1, GP_FRAME_ENTRY), python(2),
                    place(GP_PLACE_UNKNOWN, GP_RUNTIME_RUBY), ruby};
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(places(walked), (Places{0, 1, 7, 2, 0x420, 0x110}));
  EXPECT_EQ(walked.end, GP_END_ROOT);
  world_.pending.resize(3);
  EXPECT_EQ(places(world_.walk()), (Places{0, 1, GP_END_RUNTIME_NOT_LOADED, 0x410, 2, 0x420, 0x110}));
}

TEST_F(InterpreterTest, SaysOnceThatTheRuntimeIsNotLoaded) {
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(places(walked), (Places{0, 0x310, GP_END_RUNTIME_NOT_LOADED, 0x410, 0x320, 0x420, 0x110}));
  EXPECT_EQ(walked.frames[2].kind, GP_FRAME_END);
}

TEST_F(InterpreterTest, StopsAtTheFrameLimitInTheMiddleOfPendingFrames) {
  world_.before.assign(GP_MAX_FRAMES - 4, {});
  world_.pending.assign(100, python(1));
  world_.pending[0] = place(GP_PLACE_UNKNOWN);
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(walked.end, GP_END_DEPTH);
  EXPECT_EQ(walked.frames.size(), size_t{GP_MAX_FRAMES});
  world_.before.assign(2 * GP_MAX_FRAMES, {});
  EXPECT_EQ(world_.walk().frames.size(), size_t{GP_MAX_FRAMES});
}

}  // namespace
}  // namespace gp::walk
