// Code that PCRE2 compiled (bpf/walk/pattern.h), over stacks made by hand: a function of the file calls it, and is the
// stack's root.
#include <gtest/gtest.h>

#include "bpf/abi/pcre.h"
#include "walk/testing/stack_world.h"

namespace gp::walk {
namespace {

constexpr uint64_t kCompiled = 0x7f0000000000;
constexpr uint64_t kSite = StackWorld::kCode + 0x110;  // where it returns to
constexpr uint64_t kRoot = StackWorld::kCode + 0x210;

class PatternWalkerTest : public testing::Test {
 protected:
  // The caller's frame is found by rbp, so it must have been restored.
  PatternWalkerTest() {
    world_.rule(0x100, cfa_rule(GP_CFA_REG, GP_REG_RBP, 16));
    world_.rule(0x200, cfa_rule(GP_CFA_ROOT, 0, 0));
    world_.mappings.push_back(
        {.start = kCompiled, .end = kCompiled + 0x1000, .offset = 0, .file = GP_NO_FILE, .flags = 0});
    world_.registers.value[GP_REG_RIP] = kCompiled + 0x80;
    gp_pcre layout{};
    layout.sites[1] = kSite;
    gp_runtime_entry entry{};
    entry.kind = GP_RUNTIME_PCRE;
    std::memcpy(entry.layout, &layout, sizeof(layout));
    world_.runtimes = {entry};
  }

  // The stack of the compiled code: `room` words of its own, what it saved, and the caller's frame.
  void stack(size_t room, size_t pushed = 5) {
    world_.words.assign(room, 0x1234);
    const size_t saved = world_.words.size();
    world_.words.resize(saved + pushed);
    if (pushed == 5) world_.words[saved] = StackWorld::address(saved + 7);  // rbp
    world_.words.insert(world_.words.end(), {kSite, 0, 0, kRoot, 0});
    world_.words.resize(1024);  // the stack goes on
  }

  void expect_root() {
    const auto walked = world_.load_and_walk();
    EXPECT_EQ(walked.end, GP_END_ROOT);
    EXPECT_FALSE(walked.guessed);
    ASSERT_EQ(walked.frames.size(), 3U);
    EXPECT_EQ(walked.frames[0].kind, GP_FRAME_NOTE);
    EXPECT_EQ(walked.frames[0].value, GP_NOTE_COMPILED);
    EXPECT_EQ(walked.frames[1].value, 0x110U);
    EXPECT_EQ(walked.frames[2].value, 0x210U);
  }

  StackWorld world_;
};

TEST_F(PatternWalkerTest, FindsItsCaller) {
  stack(14);
  expect_root();
}

TEST_F(PatternWalkerTest, SearchesSeveralWindows) {
  stack(450);
  expect_root();
}

// Ahead of its first push, and of its last: what is not on the stack yet is in its register.
TEST_F(PatternWalkerTest, KeepsWhatIsNotPushedYet) {
  for (const size_t pushed : {0U, 4U}) {
    stack(0, pushed);
    world_.registers.value[GP_REG_RBP] = StackWorld::address(pushed + 2);
    expect_root();
  }
}

// An earlier match lay deeper in the stack, the pattern has not written to all of its room.
TEST_F(PatternWalkerTest, PassesOverWhatIsOfAnEarlierCall) {
  stack(200);
  for (const size_t stale : {3U, 100U, 180U}) world_.words[stale] = kSite;
  for (const uint32_t number : {uint32_t{GP_REG_RBP}, 3U, 5U}) {  // rbx and rdi, while it begins
    world_.registers.value[GP_REG_RBP] = 0;
    world_.registers.value[number] = StackWorld::address(206);  // the arguments, right behind the return address
    expect_root();
    world_.registers.value[number] = 0x1234;
  }
}

// The machine's stack lies between: the arguments are 32 KiB above.
TEST_F(PatternWalkerTest, KnowsACallOnTheMachinesStack) {
  stack(200);
  for (const size_t stale : {3U, 100U}) world_.words[stale] = kSite;
  world_.registers.value[GP_REG_RBP] = StackWorld::address(206) + 32768 + 40;
  expect_root();
}

TEST_F(PatternWalkerTest, SearchesNoFurtherThanThat) {
  stack(520);
  world_.registers.value[GP_REG_RBP] = 0x1235;
  EXPECT_EQ(world_.load_and_walk().end, GP_END_NO_RULE);
}

TEST_F(PatternWalkerTest, LeavesOtherCodeAlone) {
  stack(14);
  world_.runtimes.clear();
  world_.registers.value[GP_REG_RBP] = 0x1235;
  EXPECT_EQ(world_.load_and_walk().end, GP_END_NO_RULE);
}

}  // namespace
}  // namespace gp::walk
