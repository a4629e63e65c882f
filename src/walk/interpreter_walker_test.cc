// Native stacks with loops of interpreters in them: where the frames that were drained go.
#include "bpf/abi/ruby.h"
#include "walk/testing/native_walk.h"

namespace gp::walk {
namespace {

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

// The loop calls code that YJIT compiled: both are of one run of frames, and what follows is the next activation's.
TEST_F(InterpreterTest, ALoopThatCalledCompiledCodeHasNoFramesOfItsOwn) {
  constexpr uint64_t kCompiled = 0x7f0000000000;
  gp_file& file = world_.plain.tables.files[0];
  file.runtime = GP_RUNTIME_RUBY;
  gp_ruby layout{};
  layout.code_start = StackWorld::kCode;
  layout.code_end = StackWorld::kCode + GP_PAGE_SIZE;
  gp_runtime_entry entry{};
  entry.kind = GP_RUNTIME_RUBY;
  entry.jit_start = 1;
  entry.jit_end = UINT64_MAX;
  std::memcpy(entry.layout, &layout, sizeof(layout));
  world_.runtimes = {entry};
  world_.mappings.push_back(
      {.start = kCompiled, .end = kCompiled + GP_PAGE_SIZE, .offset = 0, .file = GP_NO_FILE, .flags = 0});
  world_.registers.value[GP_REG_RIP] = kCompiled + 0x80;
  world_.words = {11, 12, 13, at(0x410), at(0x310), at(0x420), kRoot};
  world_.words.resize(64);
  const auto ruby = [](uint64_t object, uint8_t flags = 0) {
    return gp_frame{.kind = GP_FRAME_RUBY, .flags = flags, .cookie = 0, .extra = 0, .value = object};
  };
  world_.pending = {place(GP_PLACE_UNKNOWN, GP_RUNTIME_RUBY), ruby(1), ruby(2, GP_FRAME_ENTRY),
                    ruby(3, GP_FRAME_ENTRY)};
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(places(walked), (Places{1, 2, 0x410, 0x310, 3, 0x110}));
  EXPECT_EQ(walked.end, GP_END_ROOT);
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
