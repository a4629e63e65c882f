// The walker of bpf/walk/lua.h over recorded memory: names and lines must be what Lua itself told.
#include "runtimes/lua/testing/walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "runtimes/lua/testing/recording.h"
#include "runtimes/testing/walked.h"

namespace gp::runtimes::lua {
namespace {

class LuaWalkTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto loaded = Recording::load(std::string(GP_SOURCE_DIR "/tests/data/lua/") + GetParam() + ".recording");
    ASSERT_TRUE(loaded);
    recording_ = std::move(*loaded);
    auto attached = runtime_.attach(recording_.file(), recording_, 0);
    ASSERT_TRUE(attached) << attached.error().message();
    world_.memory = &recording_;
    world_.entry = *attached;
    lua_ = targets::layout_of<gp_lua>(world_.entry);
  }

  // From now on activations say which call they run, and at which instruction.
  void tell_place() {
    lua_.at = {.offset = 0, .reg = kAtRegister, .in_memory = 0, .reserved = 0};
    lua_.pc = {.offset = 0, .reg = kPcRegister, .in_memory = 0, .reserved = 0};
    world_.entry = targets::entry_with(GP_RUNTIME_LUA, lua_);
  }

  std::unique_ptr<LuaWalk> walk() {
    auto walk = std::make_unique<LuaWalk>();
    walk->run(world_, recording_.coroutines);
    return walk;
  }

  uint64_t word(uint64_t address) { return word_at(recording_, address); }
  void set_word(uint64_t address, uint64_t value) { set_word_at(recording_, address, value); }

  // The n-th call of the innermost coroutine, newest first; what tells it from others where a loop keeps it; its Proto.
  uint64_t call(size_t number) {
    uint64_t call = word(recording_.coroutines[0] + lua_.state_ci);
    for (size_t i = 0; i < number; ++i)
      call = lua_.version == GP_LUA_51 ? call - lua_.call_bytes : word(call + GP_LUA_CALL_PREVIOUS);
    return call;
  }
  uint64_t closure_of(uint64_t call) { return word(word(call + lua_.call_function)); }
  uint64_t place_of(uint64_t call) { return lua_.version == GP_LUA_51 ? closure_of(call) : call; }
  uint64_t proto_of(uint64_t call) { return word(closure_of(call) + lua_.closure_code); }

  std::optional<targets::CodeSymbol> symbol_of(const gp_frame& frame) {
    return shipped_for(world_, frame, runtime_, recording_);
  }
  uint32_t line_of(const gp_frame& frame) {
    const auto symbol = symbol_of(frame);
    return symbol ? runtime_.line(*symbol, frame.extra) : 0;
  }

  LuaRuntime runtime_;
  Recording recording_;
  WalkWorld world_;
  gp_lua lua_{};
};

TEST_P(LuaWalkTest, SeesWhatLuaTells) {
  const auto walked = walk();
  const auto frames = walked->frames();
  ASSERT_EQ(frames.size(), recording_.frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    const ToldFrame& told = recording_.frames[i];
    EXPECT_EQ(frames[i].kind, GP_FRAME_LUA);
    const auto symbol = symbol_of(frames[i]);
    ASSERT_TRUE(symbol) << told.name;
    EXPECT_EQ(symbol->name, told.name);
    EXPECT_EQ(symbol->file, told.file);
    EXPECT_EQ(runtime_.line(*symbol, frames[i].extra), told.line) << told.name;
  }
  EXPECT_EQ(walked->state.end, GP_END_NONE);
}

// Behind what C called: the comparison of table.sort, a metamethod, an iterator, a callback of gsub, coroutines.
TEST_P(LuaWalkTest, HandsOverWhereCCalledLua) {
  const auto walked = walk();
  const auto frames = walked->frames();
  const auto ends_at = [&](std::string_view name) {
    for (size_t i = 0; i < frames.size(); ++i)
      if (recording_.frames[i].name == name) return (frames[i].flags & GP_FRAME_ENTRY) != 0;
    return false;
  };
  EXPECT_TRUE(ends_at("__add"));
  EXPECT_TRUE(ends_at("for iterator"));
  EXPECT_TRUE(ends_at("function </tmp/workload.lua:78>"));  // table.sort() called it
  EXPECT_FALSE(ends_at("wait"));
  EXPECT_FALSE(ends_at("global"));
  EXPECT_FALSE(ends_at("sort"));
  EXPECT_GE(walked->handed_over.size(), 6U);
}

TEST_P(LuaWalkTest, ShipsFunctionsAtFirstSight) {
  const auto frames = walk()->frames();
  const size_t code = distinct_code(frames);
  EXPECT_EQ(world_.shipped.size(), code);
  walk();
  EXPECT_LE(world_.shipped.size(), code + 3);  // those that share a pair of slots
}

// While a stack is made larger its pointers are distances.
TEST_P(LuaWalkTest, WalksWhileAStackIsMadeLarger) {
  if (lua_.version != GP_LUA_54) return;
  const auto before = walk()->frames();
  for (const uint64_t state : recording_.coroutines) {
    const uint64_t stack = word(state + GP_LUA_STATE_STACK);
    ASSERT_NE(stack, 0U);
    for (uint64_t call = word(state + lua_.state_ci); call != 0; call = word(call + GP_LUA_CALL_PREVIOUS)) {
      const uint64_t function = word(call + lua_.call_function);
      if (function > stack) set_word(call + lua_.call_function, function - stack);
    }
  }
  const auto frames = walk()->frames();
  ASSERT_EQ(frames.size(), before.size());
  for (size_t i = 0; i < frames.size(); ++i) EXPECT_TRUE(is_same(frames[i], before[i]));
}

// A function collected and another one loaded where it was.
TEST_P(LuaWalkTest, TellsFunctionsAtOneAddressApart) {
  const auto before = walk()->frames();
  const uint64_t proto = proto_of(call(1));
  const auto changed = [&] {
    const auto frames = walk()->frames();
    return GP_CODE_OBJECT(frames[1].value) == proto && !is_same(frames[1], before[1]);
  };
  const uint64_t lines = proto + lua_.proto_first_line / 8U * 8U;
  const uint64_t was = word(lines);
  set_word(lines, was + (1ULL << 8U * (lua_.proto_first_line % 8U)));
  EXPECT_TRUE(changed());
  set_word(lines, was);
  EXPECT_FALSE(changed());
  const uint64_t hash =
      word(proto + lua_.proto_source) + GP_LUA_OBJECT_TYPE;  // its high half; the file's name is short
  set_word(hash, word(hash) ^ 1ULL << 40U);
  EXPECT_TRUE(changed());
}

// The loop saves its place before calls only.
TEST_P(LuaWalkTest, BelievesTheLoopsInstructionWhereItFits) {
  const uint32_t plain = line_of(walk()->frames()[1]);
  tell_place();
  const uint64_t caller = call(1);  // wait(), which called read()
  const uint64_t code = word(proto_of(caller) + lua_.proto_code);
  const auto line_with = [&](uint64_t pc) {
    LuaWalk walked;
    walked.set_register(kAtRegister, place_of(caller));
    walked.set_register(kPcRegister, pc);
    walked.run(world_, std::span(recording_.coroutines).first(1));
    return walked.state.frames > 1 ? walked.frames()[1].extra : 0;
  };
  const uint32_t saved = line_with(0);
  EXPECT_NE(plain, 0U);
  EXPECT_EQ(line_with(code + 6), saved);            // no instruction begins there
  EXPECT_EQ(line_with(code - 4), saved);            // of something else
  EXPECT_EQ(line_with(code + (1U << 20U)), saved);  // behind its end
  if (lua_.version >= GP_LUA_54) {                  // a number, not a line
    EXPECT_EQ(line_with(code + 4), 0U);
    EXPECT_EQ(line_with(code + 8), 1U);
  }
}

// Calls whose activation has not begun yet, or is being left: those of the chain belong to the one that is at them.
TEST_P(LuaWalkTest, GivesAnActivationTheCallItIsAt) {
  tell_place();
  const auto owned = [&](uint64_t place) {
    LuaWalk walked;
    walked.set_register(kAtRegister, place);
    walked.run(world_, std::span(recording_.coroutines).first(1));
    return walked.handed_over.empty() ? 0 : walked.handed_over[0];
  };
  EXPECT_EQ(owned(place_of(call(1))), 3U);  // read, wait, and __add, which C called
  EXPECT_EQ(owned(place_of(call(3))), 7U);  // method(): what C calls has no activation yet; down to the comparison
  EXPECT_EQ(owned(0x1000), 0U);             // none of the chain's
}

TEST_P(LuaWalkTest, SaysThatAStateCannotBeFound) {
  LuaWalk walked;
  walked.state.registers.is_return = 1;
  const std::array<uint64_t, 1> wrong = {proto_of(call(1))};  // an object, but no thread
  walked.run(world_, wrong);
  ASSERT_EQ(walked.state.frames, 1U);
  EXPECT_EQ(walked.frames()[0].kind, GP_FRAME_END);
  EXPECT_EQ(walked.frames()[0].value, uint64_t{GP_END_RUNTIME_READ});
  EXPECT_EQ(walked.frames()[0].extra, uint32_t{GP_RUNTIME_LUA});
}

// Where the loop has only been entered, or is about to return, registers are its caller's: it is shown as it is.
TEST_P(LuaWalkTest, ClaimsNothingAtTheLoopsEnds) {
  LuaWalk walked;
  const std::array<uint64_t, 1> nothing = {0};
  walked.run(world_, nothing);
  EXPECT_EQ(walked.state.frames, 0U);
  EXPECT_EQ(walked.state.pass_eval, uint32_t{GP_EVAL_SHOW});
}

// unroll() calls the loop to go on with all that was suspended, one C frame for many calls.
TEST_P(LuaWalkTest, ListsAllThatWasSuspended) {
  if (lua_.version == GP_LUA_51) GTEST_SKIP() << "5.1 cannot suspend calls of C";
  lua_.unroll[0] = 0x4711;
  world_.entry = targets::entry_with(GP_RUNTIME_LUA, lua_);
  LuaWalk walked;
  constexpr uint64_t kStack = 0x7000;
  std::array<uint8_t, 8> caller{0x11, 0x47};
  recording_.add(kStack + 8, caller);
  walked.state.found.rule.cfa_op = GP_CFA_REG;
  walked.state.found.rule.cfa_reg = GP_REG_RSP;
  walked.state.found.rule.cfa_offset = 16;
  walked.set_register(GP_REG_RSP, kStack);
  walked.run(world_, std::span(recording_.coroutines).first(1));
  const auto told = std::ranges::find(recording_.frames, "resume", &ToldFrame::name) - recording_.frames.begin();
  ASSERT_EQ(walked.handed_over.size(), 1U);
  EXPECT_EQ(walked.handed_over[0], static_cast<uint32_t>(told));
}

// After a miss the calls of the coroutine that was met are had, others are not.
TEST_P(LuaWalkTest, DrainsWhatItMet) {
  LuaWalk nothing_met;
  nothing_met.drain(world_);
  ASSERT_EQ(nothing_met.state.frames, 1U);
  EXPECT_EQ(nothing_met.frames()[0].value, uint64_t{GP_END_RUNTIME_NOT_LOADED});

  LuaWalk walked;
  walked.state.unwinder = GP_RUNTIME_LUA;
  current_world = &world_;
  walked.state.runtime[GP_RUNTIME_LUA] = 1;
  walked.set_register(kStateRegister, recording_.coroutines[0]);
  EXPECT_EQ(gp_lua_step(&walked.state), 0);
  walked.state.end = GP_END_PAGE_MISSING;
  walked.drain(world_);
  EXPECT_EQ(walked.state.end, GP_END_PAGE_MISSING);
  EXPECT_TRUE(gp_is_done(&walked.state, GP_RUNTIME_LUA));
  const auto told = std::ranges::find(recording_.frames, "resume", &ToldFrame::name) - recording_.frames.begin();
  EXPECT_EQ(walked.state.frames, static_cast<uint32_t>(told));
}

// Whatever cannot be read, the walk ends in order, and what is missing is marked or only less well named.
TEST_P(LuaWalkTest, SurvivesEveryUnreadablePiece) {
  const auto whole = walk()->frames();
  const uint32_t reads = world_.reads;
  refuse_each_read(world_, reads, [&](uint32_t failing) {
    const auto frames = walk()->frames();
    const auto gaps = std::ranges::count(frames, GP_FRAME_END, &gp_frame::kind);
    EXPECT_LE(gaps, 1) << failing;
    // Without its name a C function has no frame. The first read is that of the state.
    if (gaps == 0 && failing > 0) {
      EXPECT_GE(frames.size() + 1, whole.size()) << failing;
    }
    EXPECT_LE(frames.size(), whole.size() + 1) << failing;
  });
}

TEST_P(LuaWalkTest, EndsChainsThatGoRound) {
  if (lua_.version == GP_LUA_51) GTEST_SKIP() << "calls are an array";
  set_word(call(3) + GP_LUA_CALL_PREVIOUS, call(1));
  const auto walked = walk();
  EXPECT_LE(walked->state.frames, uint32_t{GP_MAX_FRAMES});
}

TEST_P(LuaWalkTest, StopsAtTheFrameLimit) {
  auto walked = std::make_unique<LuaWalk>();
  walked->state.frames = GP_MAX_FRAMES - 3;
  walked->run(world_, recording_.coroutines);
  EXPECT_EQ(walked->state.frames, uint32_t{GP_MAX_FRAMES});
  EXPECT_EQ(walked->state.end, GP_END_DEPTH);
}

TEST_P(LuaWalkTest, SaysThatARuntimeIsNotLoaded) {
  const auto frames = first_turn_unloaded<LuaWalk>(world_, gp_lua_step);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].value, uint64_t{GP_END_RUNTIME_NOT_LOADED});
}

INSTANTIATE_TEST_SUITE_P(Versions, LuaWalkTest, testing::Values("5.1", "5.2", "5.3", "5.4", "5.5"), kVersionName);

}  // namespace
}  // namespace gp::runtimes::lua
