// The walker of bpf/walk/php.h over recorded memory: names and lines must be what PHP itself told.
#include "runtimes/php/testing/walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "runtimes/php/php_runtime.h"
#include "runtimes/php/testing/recording.h"
#include "runtimes/testing/walked.h"

namespace gp::runtimes::php {
namespace {

class PhpWalkTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto loaded = Recording::load(std::string(GP_SOURCE_DIR "/tests/data/php/") + GetParam() + ".recording");
    ASSERT_TRUE(loaded);
    recording_ = std::move(*loaded);
    auto attached = runtime_.attach(recording_.file(), recording_, 0);
    ASSERT_TRUE(attached) << attached.error().message();
    world_.memory = &recording_;
    world_.entry = *attached;
    php_ = targets::layout_of<gp_php>(world_.entry);
  }

  // What is to be walked.
  PhpWalk ready() const {
    PhpWalk walk;
    walk.state.thread_pointer = recording_.thread_pointer;
    return walk;
  }
  std::unique_ptr<PhpWalk> walk(gp_drain drain = GP_DRAIN_NOT) {
    auto walk = std::make_unique<PhpWalk>(ready());
    walk->run(world_, drain);
    return walk;
  }

  uint64_t word(uint64_t address) { return word_at(recording_, address); }
  void set_word(uint64_t address, uint64_t value) { set_word_at(recording_, address, value); }

  // Where the chain of calls begins.
  uint64_t current() {
    if (!recording_.is_threaded()) return php_.current;
    return word(cache()) + word(recording_.globals_offset) + php_.globals_current;
  }
  uint64_t cache() const { return recording_.thread_pointer + recording_.cache_distance; }

  // The n-th call of the chain, newest first.
  uint64_t call(size_t number) {
    uint64_t call = word(current());
    for (size_t i = 0; i < number; ++i) call = word(call + GP_PHP_CALL_PREVIOUS);
    return call;
  }

  std::optional<targets::CodeSymbol> symbol_of(const gp_frame& frame) {
    return shipped_for(world_, frame, runtime_, recording_);
  }

  PhpRuntime runtime_;
  Recording recording_;
  WalkWorld world_;
  gp_php php_{};
};

TEST_P(PhpWalkTest, SeesWhatPhpTells) {
  const auto walked = walk();
  const auto frames = walked->frames();
  ASSERT_EQ(frames.size(), recording_.frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    const ToldFrame& told = recording_.frames[i];
    EXPECT_EQ(frames[i].kind, GP_FRAME_PHP);
    const auto symbol = symbol_of(frames[i]);
    ASSERT_TRUE(symbol) << told.name;
    EXPECT_EQ(symbol->name, told.name);
    EXPECT_EQ(symbol->file, told.line != 0 ? told.file : "");
    EXPECT_EQ(runtime_.line(*symbol, frames[i].extra), told.line) << told.name;
  }
  EXPECT_TRUE(gp_is_done(&walked->state, GP_RUNTIME_PHP));
  EXPECT_EQ(walked->state.end, GP_END_NONE);
}

// Behind callbacks of C (usort, array_map, call_user_func in the evaluated code), generators, and the script.
TEST_P(PhpWalkTest, HandsOverWhereCCalledPhp) {
  const auto walked = walk();
  const auto frames = walked->frames();
  std::vector<uint32_t> expected;
  for (uint32_t i = 0; i < frames.size(); ++i) {
    const bool entry = (frames[i].flags & GP_FRAME_ENTRY) != 0;
    if (entry) expected.push_back(i + 1);
    const std::string& name = recording_.frames[i].name;
    const bool callback = name.find("{closure") != std::string::npos;
    const bool last_of_generators = name == "Recorded\\outer";
    if (callback || last_of_generators || i + 1 == frames.size()) {
      EXPECT_TRUE(entry) << name;
    }
    // Functions of C have no activation; generators between two others are on no C stack.
    if (recording_.frames[i].line == 0 || name == "Recorded\\inner" || name == "Recorded\\recursive") {
      EXPECT_FALSE(entry) << name;
    }
  }
  EXPECT_EQ(walked->handed_over, expected);
  EXPECT_GE(expected.size(), 4U);
}

TEST_P(PhpWalkTest, ShipsFunctionsAtFirstSight) {
  const auto frames = walk()->frames();
  const size_t code = distinct_code(frames);
  EXPECT_EQ(world_.shipped.size(), code);
  walk();
  EXPECT_LE(world_.shipped.size(), code + 3);  // those that share a pair of slots
}

// Without opcache a request's functions lie where those of the one before lay.
TEST_P(PhpWalkTest, TellsFunctionsAtOneAddressApart) {
  const auto before = walk()->frames();
  const uint64_t function = word(call(1) + GP_PHP_CALL_FUNCTION);
  const uint64_t name = word(function + GP_PHP_FUNCTION_NAME);
  set_word(name + GP_PHP_STRING_HASH, 12345);
  const auto renamed = walk()->frames();
  EXPECT_EQ(GP_CODE_OBJECT(renamed[1].value), GP_CODE_OBJECT(before[1].value));
  EXPECT_FALSE(is_same(renamed[1], before[1]));
  set_word(word(function + php_.function_file) + GP_PHP_STRING_HASH, 54321);
  EXPECT_FALSE(is_same(walk()->frames()[1], renamed[1]));
}

// Instructions that cannot fail leave their trace in the loop's register alone.
TEST_P(PhpWalkTest, BelievesTheLoopsRegistersWhereTheyFit) {
  const auto plain = walk()->frames();
  const uint64_t caller = call(1);  // wait(), which called fgets()
  const uint64_t opline = word(caller + GP_PHP_CALL_OPLINE);
  const auto line_with = [&](uint64_t live, uint64_t at) {
    PhpWalk walked = ready();
    walked.set_live(live, at);
    walked.run(world_);
    EXPECT_EQ(walked.state.frames, plain.size());
    return walked.frames()[1].extra;
  };
  EXPECT_EQ(line_with(caller, opline), plain[1].extra);
  const uint64_t first = word(word(caller + GP_PHP_CALL_FUNCTION) + php_.function_opcodes);
  std::array<uint8_t, GP_PHP_OP_BYTES> op{};
  op[GP_PHP_OP_LINE] = 77;
  recording_.add(first, op);
  EXPECT_EQ(line_with(caller, first), 77U);
  EXPECT_EQ(line_with(caller, first + 1), plain[1].extra);                // no instruction begins there
  EXPECT_EQ(line_with(caller, first - GP_PHP_OP_BYTES), plain[1].extra);  // of another function
  EXPECT_EQ(line_with(caller + 8, first), plain[1].extra);                // not a call of the chain
  EXPECT_EQ(line_with(0x10, first), plain[1].extra);                      // not readable
}

// Compiled code does not say where it is, but for what it calls it has saved that.
TEST_P(PhpWalkTest, DoesNotInventLinesOfCompiledCode) {
  const auto plain = walk()->frames();
  const uint64_t caller = call(1);
  const auto line_of_caller = [&](size_t frame) {
    PhpWalk walked = ready();
    walked.state.found.file = GP_NO_FILE;
    walked.set_live(caller, 0);
    walked.run(world_);
    return walked.frames().at(frame).extra;
  };
  EXPECT_EQ(line_of_caller(1), plain[1].extra);  // fgets() is called
  set_word(current(), caller);
  EXPECT_EQ(line_of_caller(0), 0U);
}

// An activation whose last call was unlinked, which still tidies up: the chain's calls are those of the one above it.
TEST_P(PhpWalkTest, LeavesCallsToTheActivationThatOwnsThem) {
  const auto whole = walk();
  const uint32_t first_entry = whole->handed_over[0];
  const uint64_t leaving = call(first_entry - 1);
  set_word(current(), call(first_entry));
  PhpWalk walked = ready();
  walked.set_live(leaving, 0);
  walked.run(world_);
  ASSERT_FALSE(walked.handed_over.empty());
  EXPECT_EQ(walked.handed_over[0], 0U);
  ASSERT_EQ(walked.state.frames, whole->state.frames - first_entry);
  for (uint32_t i = 0; i < walked.state.frames; ++i)
    EXPECT_TRUE(is_same(walked.frames()[i], whole->frames()[i + first_entry]));
}

// A generator that has stopped leads the chain until its caller's activation goes on.
TEST_P(PhpWalkTest, GivesAnActivationTheCallItIsAt) {
  const auto whole = walk();
  ASSERT_GE(whole->handed_over.size(), 2U);
  PhpWalk walked = ready();
  walked.set_live(call(whole->handed_over[0] + 1), 0);  // of the second activation: usort() called it
  walked.run(world_);
  EXPECT_EQ(walked.handed_over[0], whole->handed_over[1]);
  EXPECT_EQ(walked.state.frames, whole->state.frames);
  PhpWalk unbelievable = ready();
  unbelievable.set_live(call(whole->state.frames - 3), 0);  // three activations away
  unbelievable.run(world_);
  EXPECT_EQ(unbelievable.handed_over, whole->handed_over);
  for (uint32_t i = 0; i < whole->state.frames; ++i) EXPECT_TRUE(is_same(unbelievable.frames()[i], whole->frames()[i]));
}

TEST_P(PhpWalkTest, DrainsWithoutHandingOver) {
  auto drained = std::make_unique<PhpWalk>(ready());
  drained->state.end = GP_END_PAGE_MISSING;
  drained->run(world_, GP_DRAIN_FOR_LATER);
  const auto frames = drained->frames();
  ASSERT_EQ(frames.size(), recording_.frames.size() + 1);
  EXPECT_EQ(frames[0].kind, GP_FRAME_PLACE);
  EXPECT_EQ(frames[0].extra, uint32_t{GP_RUNTIME_PHP});
  EXPECT_EQ(drained->state.end, GP_END_PAGE_MISSING);
  EXPECT_TRUE(gp_is_done(&drained->state, GP_RUNTIME_PHP));
}

TEST_P(PhpWalkTest, DrainsBehindWhatHasNoUnwindRules) {
  const auto whole = walk()->frames();
  const auto drained = walk(GP_DRAIN_BEHIND);
  const auto frames = drained->frames();
  ASSERT_EQ(frames.size(), whole.size() + 1);
  EXPECT_EQ(frames[0].kind, GP_FRAME_END);
  EXPECT_EQ(frames[0].value, uint64_t{GP_END_NO_RULE});
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_TRUE(is_same(frames[i + 1], whole[i])) << i;
  EXPECT_EQ(drained->state.php.in_fiber, 0U);
}

// The newest call becomes that of a function without a name: native code has just come to the end of a fiber's stack.
TEST_P(PhpWalkTest, GoesOnBehindAFiberWithoutAGap) {
  const auto whole = walk()->frames();
  ASSERT_EQ(recording_.frames[0].line, 0U) << "a function of C";
  set_word(word(call(0) + GP_PHP_CALL_FUNCTION) + GP_PHP_FUNCTION_NAME, 0);
  const auto drained = walk(GP_DRAIN_BEHIND);
  const auto frames = drained->frames();
  ASSERT_EQ(frames.size() + 1, whole.size());
  EXPECT_TRUE(is_same(frames[0], whole[1]));
  EXPECT_EQ(drained->state.php.in_fiber, 1U);
}

// Whatever cannot be read, the walk ends in order: all frames up to there, then one that says why there are no more.
TEST_P(PhpWalkTest, SurvivesEveryUnreadablePiece) {
  const auto whole = walk()->frames();
  const uint32_t reads = world_.reads;
  size_t cut = 0;
  refuse_each_read(world_, reads, [&](uint32_t failing) {
    auto frames = walk()->frames();
    ASSERT_GE(frames.size(), 1U);
    if (frames.back().kind == GP_FRAME_END) {
      ++cut;
      EXPECT_EQ(frames.back().value, uint64_t{GP_END_RUNTIME_READ});
      EXPECT_EQ(frames.back().extra, uint32_t{GP_RUNTIME_PHP});
      frames.pop_back();
    } else {
      EXPECT_GE(frames.size() + 2, whole.size()) << failing;  // generators that delegate are left out
    }
    ASSERT_LE(frames.size(), whole.size());
  });
  EXPECT_GE(cut + 2, whole.size());
}

// With thread safety.
TEST_P(PhpWalkTest, TakesNoOtherThreadsCalls) {
  if (!recording_.is_threaded()) return;
  set_word(cache(), 0);  // it runs no PHP
  const auto drained = walk(GP_DRAIN_FOR_LATER);
  ASSERT_EQ(drained->state.frames, 1U);
  EXPECT_EQ(drained->frames()[0].kind, GP_FRAME_PLACE);
  const auto walked = walk();  // but it is in the loop
  ASSERT_EQ(walked->state.frames, 1U);
  EXPECT_EQ(walked->frames()[0].kind, GP_FRAME_END);
  EXPECT_EQ(walked->frames()[0].value, uint64_t{GP_END_RUNTIME_READ});
}

// A library's distance is where the dynamic linker has put it.
TEST_P(PhpWalkTest, FindsTheCacheOfALibrary) {
  if (!recording_.is_threaded()) return;
  const auto plain = walk()->frames();
  constexpr uint64_t kSlot = 0x1000;
  auto php = php_;
  php.cache = {.slot = kSlot, .offset = 0, .model = GP_THREAD_SLOT, .is_musl = 0};
  world_.entry = targets::entry_with(GP_RUNTIME_PHP, php);
  std::array<uint8_t, sizeof(uint64_t)> slot{};
  recording_.add(kSlot, slot);
  EXPECT_EQ(walk()->frames().back().kind, GP_FRAME_END);  // not linked yet
  set_word(kSlot, php_.cache.offset);
  const auto frames = walk()->frames();
  ASSERT_EQ(frames.size(), plain.size());
  for (size_t i = 0; i < frames.size(); ++i) EXPECT_TRUE(is_same(frames[i], plain[i]));
}

// A program may have taken the variable over from its library.
TEST_P(PhpWalkTest, FindsTheOffsetThatTheProcessUses) {
  if (!recording_.is_threaded()) return;
  constexpr uint64_t kSlot = 0x1000;
  auto php = php_;
  php.globals_slot = kSlot;
  php.globals_offset = 0x2000;
  world_.entry = targets::entry_with(GP_RUNTIME_PHP, php);
  EXPECT_EQ(walk()->frames().back().kind, GP_FRAME_END);  // the slot cannot be read
  std::array<uint8_t, sizeof(uint64_t)> slot{};
  recording_.add(kSlot, slot);
  set_word(kSlot, php_.globals_offset);
  EXPECT_EQ(walk()->state.frames, recording_.frames.size());
}

TEST_P(PhpWalkTest, EndsChainsThatGoRound) {
  set_word(call(3) + GP_PHP_CALL_PREVIOUS, call(1));
  const auto walked = walk();
  EXPECT_LE(walked->state.frames, uint32_t{GP_MAX_FRAMES});
}

TEST_P(PhpWalkTest, StopsAtTheFrameLimit) {
  auto walked = std::make_unique<PhpWalk>(ready());
  walked->state.frames = GP_MAX_FRAMES - 3;
  walked->run(world_);
  EXPECT_EQ(walked->state.frames, uint32_t{GP_MAX_FRAMES});
  EXPECT_EQ(walked->state.end, GP_END_DEPTH);
}

TEST_P(PhpWalkTest, SaysThatARuntimeIsNotLoaded) {
  const auto frames = first_turn_unloaded<PhpWalk>(world_, gp_php_step);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].value, uint64_t{GP_END_RUNTIME_NOT_LOADED});
}

INSTANTIATE_TEST_SUITE_P(Versions, PhpWalkTest, testing::Values("7.4", "8.2", "8.4", "8.5", "8.2-zts"), kVersionName);

}  // namespace
}  // namespace gp::runtimes::php
