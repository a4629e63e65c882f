// The fixture of the native walker's tests: a stack made by hand, whose root is one call away. Owner thread: the test's.
#pragma once

#include <gtest/gtest.h>

#include "walk/native_walker.h"
#include "walk/testing/stack_world.h"

namespace gp::walk {

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

}  // namespace gp::walk
