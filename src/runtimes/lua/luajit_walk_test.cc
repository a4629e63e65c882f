// The walker of bpf/walk/luajit.h over recorded memory: names and lines must be what LuaJIT itself told.
#include "runtimes/lua/testing/luajit_walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "runtimes/lua/testing/luajit_recording.h"
#include "runtimes/testing/walked.h"

namespace gp::runtimes::lua {
namespace {

class LuajitWalkTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto loaded = LuajitRecording::load(std::string(GP_SOURCE_DIR "/tests/data/lua/") + GetParam() + ".recording");
    ASSERT_TRUE(loaded);
    recording_ = std::move(*loaded);
    lj_ = recording_.layout();
    world_.memory = &recording_;
    world_.entry = recording_.entry();
  }

  // The walk of a stack whose innermost activation has called C.
  std::unique_ptr<LuajitWalk> begin() {
    auto walk = std::make_unique<LuajitWalk>();
    walk->state.registers.is_return = 1;
    walk->state.found.file = 1;
    return walk;
  }
  std::unique_ptr<LuajitWalk> walk() {
    auto walked = begin();
    walked->run(world_, recording_.activations);
    return walked;
  }
  uint64_t word(uint64_t address) { return word_at(recording_, address); }
  uint64_t reference(uint64_t address) { return lj_.wide != 0 ? word(address) : word(address) & UINT32_MAX; }

  LuajitRuntime runtime_;
  LuajitRecording recording_;
  WalkWorld world_;
  gp_luajit lj_{};
};

TEST_P(LuajitWalkTest, SeesWhatLuaTells) {
  const auto walked = walk();
  const auto frames = walked->frames();
  ASSERT_EQ(frames.size(), recording_.frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    const ToldFrame& told = recording_.frames[i];
    EXPECT_EQ(frames[i].kind, GP_FRAME_LUAJIT);
    const auto symbol = shipped_for(world_, frames[i], runtime_, recording_);
    ASSERT_TRUE(symbol) << told.name;
    EXPECT_EQ(symbol->name, told.name);
    EXPECT_EQ(symbol->file, told.file);
    EXPECT_EQ(runtime_.line(*symbol, frames[i].extra), told.line) << told.name;
  }
  EXPECT_EQ(walked->state.end, GP_END_NONE);
}

// Behind what C called: the comparison of table.sort and a callback of gsub; and at the beginning of coroutines.
TEST_P(LuajitWalkTest, HandsOverWhereCCalledLua) {
  const auto walked = walk();
  const auto frames = walked->frames();
  const auto ends_at = [&](std::string_view name) {
    for (size_t i = 0; i < frames.size(); ++i)
      if (recording_.frames[i].name == name) return (frames[i].flags & GP_FRAME_ENTRY) != 0;
    return false;
  };
  EXPECT_TRUE(ends_at("function </tmp/workload.lua:78>"));  // table.sort() called it
  EXPECT_FALSE(ends_at("__add"));                           // metamethods, iterators: the interpreter itself
  EXPECT_FALSE(ends_at("for iterator"));
  EXPECT_FALSE(ends_at("wait"));
  EXPECT_FALSE(ends_at("sort"));
  EXPECT_EQ(walked->handed_over.size(), recording_.activations.size());
}

TEST_P(LuajitWalkTest, ShipsFunctionsAtFirstSight) {
  const auto frames = walk()->frames();
  const size_t code = distinct_code(frames);
  EXPECT_EQ(world_.shipped.size(), code);
  walk();
  EXPECT_LE(world_.shipped.size(), code + 3);  // those that share a pair of slots
}

// A function collected and another one loaded where it was.
TEST_P(LuajitWalkTest, TellsFunctionsAtOneAddressApart) {
  const auto before = walk()->frames();
  const uint64_t proto = GP_CODE_OBJECT(before[1].value);
  const uint64_t lines = proto + lj_.proto_first_line / 8U * 8U;
  const uint64_t was = word(lines);
  set_word_at(recording_, lines, was + (1ULL << 8U * (lj_.proto_first_line % 8U)));
  EXPECT_FALSE(is_same(walk()->frames()[1], before[1]));
  set_word_at(recording_, lines, was);
  EXPECT_TRUE(is_same(walk()->frames()[1], before[1]));
}

TEST_P(LuajitWalkTest, SaysThatAStateCannotBeFound) {
  auto walked = begin();
  const std::vector<uint64_t> wrong = {recording_.activations[0] - 64};
  walked->run(world_, wrong);
  ASSERT_EQ(walked->state.frames, 1U);
  EXPECT_EQ(walked->frames()[0].kind, GP_FRAME_END);
  EXPECT_EQ(walked->frames()[0].value, uint64_t{GP_END_RUNTIME_READ});
  EXPECT_EQ(walked->frames()[0].extra, uint32_t{GP_RUNTIME_LUAJIT});
}

// The interpreter's first instructions push what it saves, its last ones pop it: the frame is another one at each.
TEST_P(LuajitWalkTest, LeavesActivationsAtTheirEnds) {
  constexpr uint64_t kStack = 0x7000;
  constexpr uint64_t kCaller = 0x4711;
  lj_.enters[0] = 16;
  lj_.leaves[0] = 256;
  world_.entry = targets::entry_with(GP_RUNTIME_LUAJIT, lj_);
  const auto popped = [&](uint64_t at, unsigned saved) {
    for (unsigned i = 0; i < 6; ++i) {
      std::array<uint8_t, 8> bytes{static_cast<uint8_t>(i + 1)};
      if (i == saved) bytes = {0x11, 0x47};
      recording_.pieces[kStack + 8ULL * i] = {bytes.begin(), bytes.end()};
    }
    auto walked = std::make_unique<LuajitWalk>();
    walked->state.found.file = 1;
    walked->state.runtime[GP_RUNTIME_LUAJIT] = 1;
    walked->set_register(GP_REG_RIP, lj_.vm + at);
    walked->set_register(GP_REG_RSP, kStack);
    current_world = &world_;
    EXPECT_EQ(gp_luajit_step(&walked->state), 0);
    current_world = nullptr;
    EXPECT_EQ(walked->state.registers.value[GP_REG_RIP], kCaller) << at;
    EXPECT_EQ(walked->state.registers.value[GP_REG_RSP], kStack + 8ULL * saved + 8) << at;
    EXPECT_EQ(walked->state.registers.value[GP_REG_RBP], saved > 0 ? saved : 0U) << at;
    EXPECT_EQ(walked->state.frames, 0U);
  };
  popped(16, 0);
  popped(17, 1);  // rbp
  popped(18, 2);  // rbx
  popped(20, 3);
  popped(22, 4);
  popped(260, 4);
  popped(262, 3);
  popped(264, 2);
  popped(265, 1);
  popped(266, 0);
}

// It has no frame any more, and its coroutine is not told yet whose is the newest one.
TEST_P(LuajitWalkTest, KnowsWhoIsNextWhileAnActivationReturnsToC) {
  constexpr uint64_t kFrame = 0x9000;
  constexpr uint64_t kSize = 24;  // of the frame that was left
  const auto whole = walk()->frames();
  const uint64_t state = recording_.coroutines[0];
  const uint64_t base = word(state + lj_.state_base);
  std::vector<uint8_t> frame(80);
  std::memcpy(&frame[lj_.frame_state], &state, lj_.wide != 0 ? 8 : 4);
  recording_.pieces[kFrame] = frame;
  set_word_at(recording_, state + lj_.state_base, base + 4 * kSize);
  std::vector<uint64_t> activations = recording_.activations;
  activations.insert(activations.begin(), kFrame);
  for (const uint64_t live : {kSize, base}) {
    auto walked = std::make_unique<LuajitWalk>();
    walked->state.found.file = 1;
    walked->set_register(GP_REG_RIP, lj_.vm + 0x800);
    walked->set_register(GP_LUAJIT_REG_PC, live);
    walked->set_register(GP_LUAJIT_REG_BASE, base + kSize);
    walked->run(world_, activations);
    const auto frames = walked->frames();
    ASSERT_EQ(frames.size(), whole.size()) << live;
    for (size_t i = 0; i < frames.size(); ++i) EXPECT_TRUE(is_same(frames[i], whole[i])) << live;
    EXPECT_EQ(walked->handed_over[0], 0U);
  }
}

// Compiled code: its frames are below where it was entered, and its stack pointer is not the interpreter's.
TEST_P(LuajitWalkTest, FindsTheFrameThatCompiledCodeRunsIn) {
  const uint64_t state = recording_.coroutines[0];
  const uint64_t global = reference(state + lj_.state_global);
  for (unsigned i = 0; i < 2; ++i) {  // saved r12 and r13
    const uint64_t at = recording_.activations[0] + (i == 0 ? 0 : lj_.wide != 0 ? -8ULL : 8ULL);
    recording_.pieces[at] = {static_cast<uint8_t>(i + 1), 0, 0, 0, 0, 0, 0, 0};
  }
  set_word_at(recording_, global + lj_.global_vmstate / 8U * 8U, 0);
  // What it says runs is what last began; the word may not be in the recording.
  std::vector<uint8_t> current(lj_.wide != 0 ? 8 : 4);
  for (size_t i = 0; i < current.size(); ++i) current[i] = static_cast<uint8_t>(state >> (8 * i));
  recording_.pieces[global + lj_.global_cur_L] = current;
  recording_.pieces[global + lj_.global_jit_base] = std::vector<uint8_t>(current.size());
  auto walked = std::make_unique<LuajitWalk>();
  walked->state.found.file = GP_NO_FILE;
  walked->state.found.pc = 0x1234;
  walked->set_register(14, global + static_cast<uint64_t>(static_cast<int64_t>(lj_.dispatch)));
  walked->set_register(GP_REG_RIP, 0x1234);
  std::vector<uint64_t> stack = recording_.activations;
  stack[0] -= 96;  // what it takes
  walked->run(world_, stack);
  const auto frames = walked->frames();
  ASSERT_EQ(frames.size(), recording_.frames.size() + 1);
  EXPECT_EQ(frames[0].kind, GP_FRAME_NOTE);
  EXPECT_EQ(frames[0].value, uint64_t{GP_NOTE_COMPILED});
}

// After a miss the frames of the coroutine that was met are had, others are not.
TEST_P(LuajitWalkTest, DrainsWhatItMet) {
  LuajitWalk nothing_met;
  nothing_met.drain(world_);
  ASSERT_EQ(nothing_met.state.frames, 1U);
  EXPECT_EQ(nothing_met.frames()[0].value, uint64_t{GP_END_RUNTIME_NOT_LOADED});

  auto walked = begin();
  walked->state.unwinder = GP_RUNTIME_LUAJIT;
  current_world = &world_;
  walked->state.runtime[GP_RUNTIME_LUAJIT] = 1;
  walked->set_register(GP_REG_RSP, recording_.activations[0]);
  EXPECT_EQ(gp_luajit_step(&walked->state), 0);
  walked->state.end = GP_END_PAGE_MISSING;
  walked->drain(world_);
  EXPECT_EQ(walked->state.end, GP_END_PAGE_MISSING);
  EXPECT_TRUE(gp_is_done(&walked->state, GP_RUNTIME_LUAJIT));
  const auto told = std::ranges::find(recording_.frames, "resume", &ToldFrame::name) - recording_.frames.begin();
  EXPECT_EQ(walked->state.frames, static_cast<uint32_t>(told));
}

// Whatever cannot be read, the walk ends in order, and what is missing is marked or only less well named.
TEST_P(LuajitWalkTest, SurvivesEveryUnreadablePiece) {
  const auto whole = walk()->frames();
  const uint32_t reads = world_.reads;
  refuse_each_read(world_, reads, [&](uint32_t failing) {
    const auto frames = walk()->frames();
    EXPECT_LE(std::ranges::count(frames, GP_FRAME_END, &gp_frame::kind), 2) << failing;
    EXPECT_LE(frames.size(), whole.size() + 2) << failing;
  });
}

TEST_P(LuajitWalkTest, StopsAtTheFrameLimit) {
  auto walked = begin();
  walked->state.frames = GP_MAX_FRAMES - 3;
  walked->run(world_, recording_.activations);
  EXPECT_EQ(walked->state.frames, uint32_t{GP_MAX_FRAMES});
  EXPECT_EQ(walked->state.end, GP_END_DEPTH);
}

TEST_P(LuajitWalkTest, SaysThatARuntimeIsNotLoaded) {
  const auto frames = first_turn_unloaded<LuajitWalk>(world_, gp_luajit_step);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].value, uint64_t{GP_END_RUNTIME_NOT_LOADED});
}

// A loop and what it calls, compiled together: only the loop's own frame is on the stack.
class LuajitCompiledTest : public LuajitWalkTest {};

TEST_P(LuajitCompiledTest, ShowsWhatATraceHasInlined) {
  const auto walked = recording_.walk();
  walked->run(world_, recording_.activations);
  const auto frames = walked->frames();
  ASSERT_EQ(frames.size(), recording_.frames.size() + 1);
  EXPECT_EQ(frames[0].kind, GP_FRAME_NOTE);
  EXPECT_EQ(frames[0].value, uint64_t{GP_NOTE_COMPILED});
  for (size_t i = 0; i + 1 < frames.size(); ++i) {
    const ToldFrame& told = recording_.frames[i];
    const gp_frame& frame = frames[i + 1];
    const auto symbol = shipped_for(world_, frame, runtime_, recording_);
    ASSERT_TRUE(symbol) << told.name;
    EXPECT_EQ(symbol->name, told.name);
    EXPECT_EQ(symbol->file, told.file);
    if (told.line != 0) {
      EXPECT_EQ(frame.extra, told.line) << told.name;
    } else {
      EXPECT_TRUE(frame.extra > 3 && frame.extra < 8) << frame.extra;
    }
    EXPECT_EQ((frame.flags & GP_FRAME_ENTRY) != 0, i + 2 == frames.size());
  }
  // Native code goes on in the interpreter's frame, with what was saved there.
  EXPECT_EQ(walked->state.registers.value[GP_REG_RIP], lj_.loop);
  EXPECT_GT(walked->state.registers.value[GP_REG_RSP], recording_.activations[0]);
  EXPECT_EQ(walked->state.pass_eval, uint32_t{GP_EVAL_HIDE});
}

// Code that is in no trace, as it collects garbage or goes from one to another: what was entered, without a line.
TEST_P(LuajitCompiledTest, ShowsWhereATraceThatDoesNotTellWasEntered) {
  const uint64_t global = reference(recording_.coroutines[0] + lj_.state_global);
  recording_.pieces[global + lj_.global_vmstate] = {0xfd, 0xff, 0xff, 0xff};  // ~LJ_VMST_GC
  const auto walked = recording_.walk();
  walked->run(world_, recording_.activations);
  const auto frames = walked->frames();
  ASSERT_EQ(frames.size(), 4U);  // two notes, loop, body
  EXPECT_EQ(frames[0].value, uint64_t{GP_NOTE_GARBAGE});
  EXPECT_EQ(frames[1].value, uint64_t{GP_NOTE_COMPILED});
  EXPECT_EQ(shipped_for(world_, frames[2], runtime_, recording_)->name, "loop");
  EXPECT_EQ(frames[2].extra, 0U);
  EXPECT_EQ(frames[3].extra, 28U);
}

TEST_P(LuajitCompiledTest, SurvivesEveryUnreadablePiece) {
  const auto whole = recording_.walk();
  whole->run(world_, recording_.activations);
  const uint32_t reads = world_.reads;
  refuse_each_read(world_, reads, [&](uint32_t failing) {
    const auto walked = recording_.walk();
    walked->run(world_, recording_.activations);
    EXPECT_LE(walked->state.frames, whole->state.frames + 1) << failing;
  });
}

INSTANTIATE_TEST_SUITE_P(Versions, LuajitCompiledTest, testing::Values("luajit-compiled-2022", "luajit-compiled-2025"),
                         kVersionName);
INSTANTIATE_TEST_SUITE_P(Versions, LuajitWalkTest, testing::Values("luajit-2017", "luajit-2022", "luajit-2025"),
                         kVersionName);

}  // namespace
}  // namespace gp::runtimes::lua
