// The walker of bpf/walk/perl.h over recorded memory: names and lines must be what Perl itself told.
#include "runtimes/perl/testing/walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "runtimes/perl/perl_runtime.h"
#include "runtimes/perl/testing/recording.h"
#include "runtimes/testing/walked.h"

namespace gp::runtimes::perl {
namespace {

class PerlWalkTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto loaded = Recording::load(std::string(GP_SOURCE_DIR "/tests/data/perl/") + GetParam() + ".recording");
    ASSERT_TRUE(loaded);
    recording_ = std::move(*loaded);
    auto attached = runtime_.attach(recording_.file(), recording_, 0);
    ASSERT_TRUE(attached) << attached.error().message();
    world_.memory = &recording_;
    world_.entry = *attached;
    perl_ = targets::layout_of<gp_perl>(world_.entry);
    interpreter_ = recording_.interpreter(recording_);
  }

  // What is to be walked, in an activation of the loop.
  std::unique_ptr<PerlWalk> ready() {
    auto walk = std::make_unique<PerlWalk>();
    walk->state.thread_pointer = recording_.thread_pointer;
    walk->set_register(Recording::kRegister, interpreter_);
    return walk;
  }
  std::unique_ptr<PerlWalk> walk() {
    auto walk = ready();
    walk->run(world_);
    return walk;
  }

  uint64_t word(uint64_t address) { return word_at(recording_, address); }
  void set_word(uint64_t address, uint64_t value) { set_word_at(recording_, address, value); }

  // The address of one of the interpreter's variables.
  uint64_t variable(int32_t which) const { return interpreter_ + static_cast<uint64_t>(int64_t{which}); }
  // Where the text of a statement's file begins.
  uint64_t file_of(uint64_t statement) {
    const uint64_t file = word(statement + GP_PERL_COP_FILE);
    return recording_.is_single() ? word(word(file) + GP_PERL_GV_NAME) + GP_PERL_NAME_TEXT : file;
  }

  uint64_t newest_stack() { return word(variable(perl_.stack)); }
  // The newest subroutine, eval or format of a stack of contexts.
  uint64_t newest_context(uint64_t stack) {
    const auto number = static_cast<uint32_t>(word(stack + GP_PERL_STACK_TOP_SUB));
    return word(stack + GP_PERL_STACK_CONTEXTS) + uint64_t{number} * GP_PERL_CONTEXT_BYTES;
  }
  // The stack of contexts of that type.
  uint64_t stack_of(uint32_t type) {
    uint64_t stack = newest_stack();
    while (stack != 0 && word(stack + GP_PERL_STACK_TOP_SUB) >> 32U != type)
      stack = word(stack + GP_PERL_STACK_PREVIOUS);
    EXPECT_NE(stack, 0U);
    return stack;
  }

  size_t number_of(std::string_view name) {
    for (size_t i = 0; i < recording_.frames.size(); ++i)
      if (recording_.frames[i].name == name) return i;
    return SIZE_MAX;
  }

  std::optional<targets::CodeSymbol> symbol_of(const gp_frame& frame) {
    return shipped_for(world_, frame, runtime_, recording_);
  }

  void expect_told(const std::vector<gp_frame>& frames) {
    ASSERT_EQ(frames.size(), recording_.frames.size());
    for (size_t i = 0; i < frames.size(); ++i) {
      const ToldFrame& told = recording_.frames[i];
      EXPECT_EQ(frames[i].kind, GP_FRAME_PERL);
      const auto symbol = symbol_of(frames[i]);
      ASSERT_TRUE(symbol) << told.name;
      EXPECT_EQ(symbol->name, told.name);
      EXPECT_EQ(symbol->file, told.file.starts_with("(eval ") ? "(eval)" : told.file);
      EXPECT_EQ(runtime_.line(*symbol, frames[i].extra), told.line) << told.name;
    }
  }

  PerlRuntime runtime_;
  Recording recording_;
  WalkWorld world_;
  gp_perl perl_{};
  uint64_t interpreter_ = 0;
};

TEST_P(PerlWalkTest, SeesWhatPerlTells) {
  const auto walked = walk();
  expect_told(walked->frames());
  EXPECT_TRUE(gp_is_done(&walked->state, GP_RUNTIME_PERL));
  EXPECT_EQ(walked->state.end, GP_END_NONE);
}

// After a guess the loop's register is not known.
TEST_P(PerlWalkTest, FindsTheInterpreterByThread) {
  if (recording_.is_single()) return;
  auto walked = ready();
  walked->state.registers.valid = 0;
  walked->run(world_);
  expect_told(walked->frames());
  walked = ready();
  walked->set_register(Recording::kRegister, interpreter_ + 8);  // something else's
  walked->run(world_);
  EXPECT_EQ(walked->frames().size(), recording_.frames.size());
}

TEST_P(PerlWalkTest, DoesNotGuessAnInterpreter) {
  if (recording_.is_single()) return;
  auto walked = ready();
  walked->state.registers.valid = 0;
  walked->state.thread_pointer += 16;
  walked->run(world_);
  ASSERT_EQ(walked->state.frames, 1U);
  EXPECT_EQ(walked->frames()[0].kind, GP_FRAME_END);
  EXPECT_EQ(walked->frames()[0].value, uint64_t{GP_END_RUNTIME_READ});
  // A thread without one has no frames to show while draining.
  walked = ready();
  walked->state.thread_pointer += 16;
  walked->run(world_, GP_DRAIN_FOR_LATER);
  EXPECT_EQ(walked->state.frames, 1U);
  EXPECT_EQ(walked->frames()[0].kind, GP_FRAME_PLACE);
}

// Without threads there is one, or none yet.
TEST_P(PerlWalkTest, TakesNothingForTheOnlyInterpreter) {
  if (!recording_.is_single()) return;
  set_word(variable(perl_.runops), 0);
  EXPECT_EQ(walk()->frames().back().kind, GP_FRAME_END);
  auto walked = ready();
  walked->run(world_, GP_DRAIN_FOR_LATER);
  ASSERT_EQ(walked->state.frames, 1U);
  EXPECT_EQ(walked->frames()[0].kind, GP_FRAME_PLACE);
}

// What is named like no file is none's name.
TEST_P(PerlWalkTest, TakesNoOtherGlobForAFiles) {
  if (!recording_.is_single()) return;
  const uint64_t file = file_of(word(variable(perl_.statement)));
  set_word(file, word(file) ^ 1);
  const auto frames = walk()->frames();
  ASSERT_EQ(frames.size(), recording_.frames.size());
  EXPECT_EQ(symbol_of(frames[0])->file, "");
}

// Behind methods of ties, blocks of sorts and of List::Util, and the script; not behind what Perl calls itself.
TEST_P(PerlWalkTest, HandsOverWhereCCalledPerl) {
  const auto walked = walk();
  const auto frames = walked->frames();
  std::vector<uint32_t> expected;
  const std::set<size_t> entries = {number_of("Recorded::FETCH"), number_of("(sort block)"),
                                    number_of("Recorded::__ANON__"), number_of("main")};
  for (uint32_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ((frames[i].flags & GP_FRAME_ENTRY) != 0, entries.contains(i)) << recording_.frames[i].name;
    if (entries.contains(i) && i + 1 < frames.size()) expected.push_back(i + 1);
  }
  EXPECT_EQ(walked->handed_over, expected);
}

// FETCH() runs an eval in an activation of its own: the one further out has no frames, then by_waiting() follows.
TEST_P(PerlWalkTest, KnowsTheSecondActivationOfACallback) {
  const auto plain = walk()->frames();
  const uint64_t environment = word(variable(perl_.environment));
  auto walked = ready();
  walked->stack = {environment - 64, environment + 256, environment + 512, environment + 1024};
  walked->run(world_);
  const auto fetch = static_cast<uint32_t>(number_of("Recorded::FETCH") + 1);
  const auto sort = static_cast<uint32_t>(number_of("(sort block)") + 1);
  ASSERT_GE(walked->handed_over.size(), 3U);
  EXPECT_EQ(walked->handed_over[0], fetch);
  EXPECT_EQ(walked->handed_over[1], fetch);
  EXPECT_EQ(walked->handed_over[2], sort);
  const auto frames = walked->frames();
  ASSERT_EQ(frames.size(), plain.size());
  for (size_t i = 0; i < frames.size(); ++i) EXPECT_TRUE(is_same(frames[i], plain[i]));

  // Where there is no JMPENV in between, the next activation is another's.
  walked = ready();
  walked->stack = {environment + 256, environment + 264, environment + 1024};
  walked->run(world_);
  EXPECT_EQ(walked->handed_over[1], sort);
}

// In between two calls of a block nothing of it is on the C stack.
TEST_P(PerlWalkTest, LeavesOutBlocksThatAreNotRunning) {
  const auto plain = walk()->frames();
  const auto below = number_of("(sort block)") + 1;
  set_word(variable(perl_.stack), stack_of(GP_PERL_STACK_IS_SORT));
  set_word(stack_of(GP_PERL_STACK_IS_SORT) + GP_PERL_STACK_TOP, uint64_t{0xffffffff} << 32U);
  set_word(stack_of(GP_PERL_STACK_IS_SORT) + GP_PERL_STACK_TOP_SUB,
           uint64_t{GP_PERL_STACK_IS_SORT} << 32U | 0xffffffffU);
  set_word(variable(perl_.op), 0);
  const auto between = walk()->frames();
  ASSERT_EQ(between.size(), plain.size() - below);
  for (size_t i = 0; i < between.size(); ++i) EXPECT_TRUE(is_same(between[i], plain[i + below]));
  set_word(variable(perl_.op), 0x1000);
  EXPECT_EQ(walk()->frames().size(), between.size() + 1);
}

TEST_P(PerlWalkTest, ShipsCodeAtFirstSight) {
  const auto frames = walk()->frames();
  const size_t code = distinct_code(frames);
  EXPECT_EQ(world_.shipped.size(), code);
  walk();
  EXPECT_LE(world_.shipped.size(), code + 3);  // those that share a pair of slots
}

// What is freed gives its place to others.
TEST_P(PerlWalkTest, TellsCodeAtOneAddressApart) {
  const auto before = walk()->frames();
  const uint64_t context = newest_context(newest_stack());
  const uint64_t sub = word(context + GP_PERL_CONTEXT_CV);
  const uint64_t glob = word(word(sub) + GP_PERL_CV_GV);
  const uint64_t name = word(word(glob) + GP_PERL_GV_NAME);
  set_word(name, word(name) ^ 1);  // the hash of another text
  const auto renamed = walk()->frames();
  EXPECT_EQ(GP_CODE_OBJECT(renamed[0].value), GP_CODE_OBJECT(before[0].value));
  EXPECT_FALSE(is_same(renamed[0], before[0]));
  EXPECT_TRUE(is_same(renamed[1], before[1]));
  const uint64_t file = file_of(word(variable(perl_.statement)));
  set_word(file + 8, word(file + 8) ^ 1);
  EXPECT_FALSE(is_same(walk()->frames()[0], renamed[0]));
}

// Evaluated strings are "(eval 1)", "(eval 2)" and so on: all one file, or there would be no end of them.
TEST_P(PerlWalkTest, CountsEvaluatedStringsAsOneFile) {
  const auto number = number_of("(eval)");
  const auto before = walk()->frames();
  bool changed = false;
  for (auto& [start, bytes] : recording_.pieces) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::string_view begin = recording_.is_single() ? "_<(eval " : "(eval ";
    if (!text.starts_with(begin)) continue;
    bytes[begin.size()] ^= 1U;
    changed = true;
  }
  EXPECT_TRUE(changed);
  EXPECT_TRUE(is_same(walk()->frames()[number], before[number]));
}

// Entered, but its first statement has not begun.
TEST_P(PerlWalkTest, IsAtTheFirstStatementOfWhatWasJustEntered) {
  const auto plain = walk()->frames();
  const uint64_t context = newest_context(newest_stack());
  const uint64_t start = word(word(word(context + GP_PERL_CONTEXT_CV)) + GP_PERL_CV_START);
  std::array<uint8_t, 64> first{};
  first[GP_PERL_OP_TYPE] = static_cast<uint8_t>(perl_.op_nextstate);
  first[GP_PERL_COP_LINE] = 7;
  const uint64_t file = word(word(variable(perl_.statement)) + GP_PERL_COP_FILE);
  for (size_t i = 0; i < 8; ++i) first[GP_PERL_COP_FILE + i] = static_cast<uint8_t>(file >> (8 * i));
  recording_.add(start, first);
  EXPECT_EQ(walk()->frames()[0].extra, plain[0].extra);
  set_word(variable(perl_.statement), word(context + GP_PERL_CONTEXT_COP));
  set_word(variable(perl_.op), start);
  EXPECT_EQ(walk()->frames()[0].extra, 7U);
  EXPECT_EQ(walk()->frames()[1].extra, plain[1].extra);
}

TEST_P(PerlWalkTest, DrainsWithoutHandingOver) {
  auto drained = ready();
  drained->state.end = GP_END_PAGE_MISSING;
  drained->run(world_, GP_DRAIN_FOR_LATER);
  const auto frames = drained->frames();
  ASSERT_EQ(frames.size(), recording_.frames.size() + 1);
  EXPECT_EQ(frames[0].kind, GP_FRAME_PLACE);
  EXPECT_EQ(frames[0].extra, uint32_t{GP_RUNTIME_PERL});
  EXPECT_EQ(drained->state.end, GP_END_PAGE_MISSING);
  EXPECT_TRUE(gp_is_done(&drained->state, GP_RUNTIME_PERL));
}

// Whatever cannot be read, the walk ends in order: frames up to there, perhaps without names, then one that says why
// there are no more.
TEST_P(PerlWalkTest, SurvivesEveryUnreadablePiece) {
  const auto whole = walk()->frames();
  const uint32_t reads = world_.reads;
  size_t cut = 0;
  refuse_each_read(world_, reads, [&](uint32_t failing) {
    auto frames = walk()->frames();
    ASSERT_GE(frames.size(), 1U);
    if (frames.back().kind == GP_FRAME_END) {
      ++cut;
      EXPECT_EQ(frames.back().value, uint64_t{GP_END_RUNTIME_READ});
      EXPECT_EQ(frames.back().extra, uint32_t{GP_RUNTIME_PERL});
      frames.pop_back();
    } else {
      EXPECT_GE(frames.size() + 1, whole.size()) << failing;  // a sort's block is not seen as one
    }
    ASSERT_LE(frames.size(), whole.size());
  });
  EXPECT_GE(cut + 2, whole.size());
}

TEST_P(PerlWalkTest, EndsChainsThatGoRound) {
  const uint64_t stack = stack_of(GP_PERL_STACK_IS_SORT);
  set_word(stack + GP_PERL_STACK_PREVIOUS, newest_stack());
  const auto walked = walk();
  EXPECT_LE(walked->state.frames, uint32_t{GP_MAX_FRAMES});
  const uint64_t context = newest_context(newest_stack());
  set_word(context + GP_PERL_CONTEXT_NEXT_SUB, 5);
  EXPECT_EQ(walk()->frames().back().kind, GP_FRAME_END);
}

TEST_P(PerlWalkTest, StopsAtTheFrameLimit) {
  auto walked = ready();
  walked->state.frames = GP_MAX_FRAMES - 3;
  walked->run(world_);
  EXPECT_EQ(walked->state.frames, uint32_t{GP_MAX_FRAMES});
  EXPECT_EQ(walked->state.end, GP_END_DEPTH);
}

TEST_P(PerlWalkTest, SaysThatARuntimeIsNotLoaded) {
  const auto frames = first_turn_unloaded<PerlWalk>(world_, gp_perl_step);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].value, uint64_t{GP_END_RUNTIME_NOT_LOADED});
}

INSTANTIATE_TEST_SUITE_P(Versions, PerlWalkTest,
                         testing::Values("5.32", "5.36", "5.40", "5.42", "5.44", "5.40-nothreads"), kVersionName);

}  // namespace
}  // namespace gp::runtimes::perl
