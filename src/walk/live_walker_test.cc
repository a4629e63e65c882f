#include "walk/live_walker.h"

#include <gtest/gtest.h>

#include <cstring>

#include "walk/testing/stack_world.h"

namespace gp::walk {
namespace {

constexpr uint64_t kReturn = StackWorld::kCode + 0x110;
using Places = std::vector<uint64_t>;

class LiveWalkerTest : public testing::Test {
 protected:
  LiveWalkerTest() {
    world_.rule(0, rsp_rule(24));
    world_.rule(0x100, cfa_rule(GP_CFA_ROOT, 0, 0));
    world_.words = {1, 2, kReturn};
  }
  WalkedStack walk() {
    const LiveStack stack{
        .registers = world_.registers, .pid = 7, .start_ticks = 9, .mappings = world_.mappings, .runtimes = runtimes_};
    return walker_.walk(stack, [this](uint64_t address, std::span<uint8_t> to) {
      ++reads_;
      const uint64_t offset = address - StackWorld::kStack;
      if (address < StackWorld::kStack || offset + to.size() > world_.words.size() * 8) return false;
      std::memcpy(to.data(), reinterpret_cast<const uint8_t*>(world_.words.data()) + offset, to.size());
      return true;
    });
  }

  StackWorld world_;
  std::vector<gp_runtime_entry> runtimes_;
  int reads_ = 0;
  LiveWalker walker_{world_.plain.tables};
};

TEST_F(LiveWalkerTest, WalksAsOverACopy) {
  world_.load();
  const auto walked = walk();
  EXPECT_EQ(walked.end, GP_END_ROOT);
  EXPECT_EQ(places(walked), (Places{0, 0x110}));
  EXPECT_EQ(places(walked), places(world_.walk()));
  EXPECT_GT(reads_, 0);
  EXPECT_TRUE(walker_.symbols().empty());
}

TEST_F(LiveWalkerTest, SaysWhatIsMissing) {
  const auto walked = walk();  // no rows are loaded
  EXPECT_EQ(walked.end, GP_END_PAGE_MISSING);
  EXPECT_EQ(walked.missing_pc, StackWorld::kCode);
}

TEST_F(LiveWalkerTest, EndsWhereMemoryDoes) {
  world_.words.resize(1);
  world_.load();
  EXPECT_EQ(walk().end, GP_END_STACK_READ);
}

TEST_F(LiveWalkerTest, AnInterpreterThatIsNotPreparedLeavesAGap) {
  world_.load();
  world_.plain.tables.files[0].eval[0] = {.start = 0, .end = 0x50};
  world_.plain.tables.files[0].runtime = GP_RUNTIME_PYTHON;
  const auto walked = walk();
  EXPECT_EQ(walked.end, GP_END_ROOT);
  ASSERT_GE(walked.frames.size(), 2U);
  EXPECT_EQ(walked.frames[0].kind, GP_FRAME_END);
  EXPECT_EQ(walked.frames[0].value, GP_END_RUNTIME_NOT_LOADED);
}

}  // namespace
}  // namespace gp::walk
