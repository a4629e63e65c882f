// The walker of bpf/walk/python.h over recorded memory: names, lines and entries must be what Python itself told.
#include "runtimes/python/testing/walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "runtimes/python/code_symbol.h"
#include "runtimes/python/python_runtime.h"
#include "runtimes/python/testing/recording.h"
#include "runtimes/testing/walked.h"

namespace gp::runtimes::python {
namespace {

class PythonWalkTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto loaded = Recording::load(std::string(GP_SOURCE_DIR "/tests/data/python/") + GetParam() + ".recording");
    ASSERT_TRUE(loaded);
    recording_ = std::move(*loaded);
    auto attached = runtime_.attach(recording_.file, recording_, recording_.bias);
    ASSERT_TRUE(attached) << attached.error().message();
    world_.memory = &recording_;
    world_.entry = *attached;
    python_ = targets::layout_of<gp_python>(*attached);
  }

  std::unique_ptr<PythonWalk> walk(gp_drain drain = GP_DRAIN_NOT) {
    auto walk = std::make_unique<PythonWalk>();
    walk->run(world_, recording_.thread, drain);
    return walk;
  }

  // What shipped records say about a frame's code object.
  std::optional<targets::CodeSymbol> symbol_of(const gp_frame& frame) {
    return shipped_for(world_, frame, runtime_, recording_);
  }

  PythonRuntime runtime_;
  Recording recording_;
  WalkWorld world_;
  gp_python python_{};
};

// The name a told frame should get: cut where the record's room ends, behind its module.
std::string expected_name(const ToldPythonFrame& told) {
  const std::string module = module_of(told.file);
  std::string name = told.name;
  if (name.size() > GP_SYMBOL_NAME_MAX && name.starts_with("long_")) name = name.substr(0, GP_SYMBOL_NAME_MAX) + "…";
  return module.empty() ? name : module + "." + name;
}

TEST_P(PythonWalkTest, SeesWhatPythonTells) {
  const auto walked = walk();
  const auto frames = walked->frames();
  ASSERT_EQ(frames.size(), recording_.frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    const ToldPythonFrame& told = recording_.frames[i];
    EXPECT_EQ(frames[i].kind, GP_FRAME_PYTHON);
    EXPECT_EQ((frames[i].flags & GP_FRAME_ENTRY) != 0, told.entry) << told.name;
    const auto symbol = symbol_of(frames[i]);
    ASSERT_TRUE(symbol) << told.name;
    EXPECT_EQ(symbol->name, expected_name(told));
    EXPECT_EQ(symbol->file, told.file);
    EXPECT_EQ(symbol->first_line, told.first_line);
    EXPECT_EQ(runtime_.line(*symbol, frames[i].extra), told.line) << told.name;
  }
  EXPECT_TRUE(gp_is_done(&walked->state, GP_RUNTIME_PYTHON));
  EXPECT_EQ(walked->state.end, GP_END_NONE);
}

TEST_P(PythonWalkTest, HandsOverBehindEveryEntry) {
  const auto walked = walk();
  const auto frames = walked->frames();
  std::vector<uint32_t> expected;
  for (uint32_t i = 0; i < frames.size(); ++i)
    if ((frames[i].flags & GP_FRAME_ENTRY) != 0) expected.push_back(i + 1);
  EXPECT_EQ(walked->handed_over, expected);
  // The last activation's frame before 3.11 is handed back like any other.
  EXPECT_GE(expected.size(), 4U);
}

TEST_P(PythonWalkTest, ShipsCodeObjectsAtFirstSight) {
  const auto frames = walk()->frames();
  std::set<std::pair<uint64_t, uint16_t>> objects;
  for (const auto& frame : frames) objects.emplace(frame.value, frame.cookie);
  EXPECT_EQ(world_.shipped.size(), objects.size());
  walk();
  // Three that share a pair of slots are shipped again: rare among two dozen.
  EXPECT_LE(world_.shipped.size(), objects.size() + 3);
}

TEST_P(PythonWalkTest, RemembersTheThread) {
  walk();
  ASSERT_NE(world_.cached_thread, 0U);
  const uint32_t first = world_.reads;
  world_.reads = 0;
  EXPECT_EQ(walk()->frames().size(), recording_.frames.size());
  EXPECT_LT(world_.reads, first);
  world_.cached_thread = 0x1000;  // not readable: searched again
  EXPECT_EQ(walk()->frames().size(), recording_.frames.size());
  world_.cached_thread = python_.runtime_address;  // readable, but no thread
  EXPECT_EQ(walk()->frames().size(), recording_.frames.size());
}

TEST_P(PythonWalkTest, DrainsWithoutHandingOver) {
  auto drained = std::make_unique<PythonWalk>();
  drained->state.end = GP_END_PAGE_MISSING;
  drained->run(world_, recording_.thread, GP_DRAIN_FOR_LATER);
  const auto frames = drained->frames();
  ASSERT_EQ(frames.size(), recording_.frames.size() + 1);
  EXPECT_EQ(frames[0].kind, GP_FRAME_PLACE);  // on the C stack, far from the Python frames
  EXPECT_EQ(frames[0].value == GP_PLACE_UNKNOWN, python_.object_frames != 0);
  EXPECT_NE(frames[0].value, uint64_t{GP_PLACE_OUTER});
  for (size_t i = 1; i < frames.size(); ++i)
    EXPECT_EQ((frames[i].flags & GP_FRAME_ENTRY) != 0, recording_.frames[i - 1].entry);
  EXPECT_EQ(drained->state.end, GP_END_PAGE_MISSING);
  EXPECT_TRUE(gp_is_done(&drained->state, GP_RUNTIME_PYTHON));
}

TEST_P(PythonWalkTest, SaysWhichThreadItCannotFind) {
  recording_.thread += 64;
  const auto frames = walk()->frames();
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].kind, GP_FRAME_END);
  EXPECT_EQ(frames[0].value, uint64_t{GP_END_RUNTIME_READ});
}

// Whatever cannot be read, the walk ends in order: all frames up to there, then one that says why there are no more.
// Where the newest frame cannot be read, its activation has none: those of the others follow.
TEST_P(PythonWalkTest, SurvivesEveryUnreadablePiece) {
  const auto whole = walk()->frames();
  const auto entry = std::ranges::find_if(whole, [](const gp_frame& f) { return (f.flags & GP_FRAME_ENTRY) != 0; });
  const std::span<const gp_frame> outer(entry + 1, whole.end());
  const uint32_t reads = world_.reads;
  refuse_each_read(world_, reads, [&](uint32_t failing) {
    auto frames = walk()->frames();
    ASSERT_GE(frames.size(), 1U);
    const bool cut = frames.back().kind == GP_FRAME_END;
    if (cut) frames.pop_back();
    EXPECT_TRUE(cut || frames.size() == whole.size() || frames.size() == outer.size()) << failing;
    const auto expected = frames.size() == outer.size() && !cut ? outer : std::span(whole);
    ASSERT_LE(frames.size(), expected.size());
    for (size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(frames[i].value, expected[i].value) << failing;
  });
}

TEST_P(PythonWalkTest, StopsAtTheFrameLimit) {
  auto walked = std::make_unique<PythonWalk>();
  walked->state.frames = GP_MAX_FRAMES - 3;
  walked->run(world_, recording_.thread);
  EXPECT_EQ(walked->state.frames, uint32_t{GP_MAX_FRAMES});
  EXPECT_EQ(walked->state.end, GP_END_DEPTH);
}

TEST_P(PythonWalkTest, SaysThatARuntimeIsNotLoaded) {
  PythonWalk walked;
  walked.state.unwinder = GP_RUNTIME_PYTHON;
  current_world = &world_;
  EXPECT_EQ(gp_python_step(&walked.state), 0);
  current_world = nullptr;
  ASSERT_EQ(walked.state.frames, 1U);
  EXPECT_EQ(walked.state.record.frames[0].kind, GP_FRAME_END);
  EXPECT_EQ(walked.state.record.frames[0].extra, uint32_t{GP_RUNTIME_PYTHON});
  EXPECT_EQ(walked.state.record.frames[0].value, uint64_t{GP_END_RUNTIME_NOT_LOADED});
  EXPECT_EQ(walked.state.unwinder, uint32_t{GP_RUNTIME_NONE});
}

// An activation that was entered but owns no frames yet: they are those of the one above it on the stack.
TEST_P(PythonWalkTest, LeavesFramesToTheActivationThatOwnsThem) {
  if (python_.object_frames != 0) return;  // below
  const auto whole = walk()->frames();
  PythonWalk walked;
  gp_walk& w = walked.state;
  w.found.rule.cfa_op = GP_CFA_REG;
  w.found.rule.cfa_reg = GP_REG_RSP;
  w.found.rule.cfa_offset = 16;
  w.registers.valid = 1U << GP_REG_RSP;
  w.registers.value[GP_REG_RSP] = 0x1000;  // below any activation that owns frames
  walked.run(world_, recording_.thread);
  ASSERT_FALSE(walked.handed_over.empty());
  EXPECT_EQ(walked.handed_over[0], 0U);
  const auto frames = walked.frames();
  ASSERT_EQ(frames.size(), whole.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].value, whole[i].value);
    EXPECT_EQ(frames[i].flags, whole[i].flags);
  }
}

// 3.11 and 3.12 show an activation before its frames are linked: whatever lies there must not become a stack.
TEST_P(PythonWalkTest, PassesOverAnActivationWithoutFrames) {
  if (python_.frame_indirect == 0) return;  // other versions set one word
  const auto whole = walk()->frames();
  const auto entry = std::ranges::find_if(whole, [](const gp_frame& f) { return (f.flags & GP_FRAME_ENTRY) != 0; });
  std::array<uint8_t, 8> word{};
  ASSERT_TRUE(recording_.read(Pc{world_.cached_thread + python_.thread_frame}, word));
  const uint64_t cframe = read_at<uint64_t>(word, 0).value();
  const uint64_t field = cframe + python_.cframe_frame;
  ASSERT_TRUE(recording_.read(Pc{field}, word));
  const uint64_t newest = read_at<uint64_t>(word, 0).value();

  // A frame that was left: its function is still there, who called it is not.
  constexpr uint64_t kStale = 0x100000;
  std::vector<uint8_t> stale(python_.frame_bytes);
  ASSERT_TRUE(recording_.read(Pc{newest}, stale));
  std::fill_n(stale.begin() + python_.frame_previous, word.size(), uint8_t{0x11});
  recording_.pieces[kStale] = stale;

  // Nothing readable; no code object; a frame that was left; the newest frame's caller, which is linked.
  ASSERT_TRUE(recording_.read(Pc{newest + python_.frame_previous}, word));
  const uint64_t caller = read_at<uint64_t>(word, 0).value();
  for (const uint64_t there : {uint64_t{0x10}, recording_.pieces.begin()->first, kStale, caller}) {
    std::memcpy(word.data(), &there, sizeof(there));
    recording_.pieces[field].assign(word.begin(), word.end());
    const auto walked = walk();
    const auto frames = walked->frames();
    const size_t expected = there == caller ? whole.size() - 1 : static_cast<size_t>(whole.end() - entry) - 1;
    ASSERT_EQ(frames.size(), expected) << there;
    for (size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(frames[i].value, whole[whole.size() - expected + i].value);
    const auto drained = walk(GP_DRAIN_FOR_LATER);
    ASSERT_EQ(drained->state.frames, expected + 1);
    EXPECT_EQ(drained->frames()[0].value == GP_PLACE_OUTER, there != caller);
    EXPECT_EQ(walked->handed_over[0], there == caller ? static_cast<uint32_t>(entry - whole.begin()) : 0U);
  }
}

// The walk of a thread whose newest activation ends at `inner` on the stack, the next one at `outer`.
struct TwoActivations : PythonWalk {
  void run(WalkWorld& world, uint64_t thread, uint64_t inner, uint64_t outer) {
    state.thread_pointer = thread;
    state.found.rule.cfa_op = GP_CFA_REG;
    state.found.rule.cfa_reg = GP_REG_RSP;
    set_register(GP_REG_RSP, inner);
    begin(world, GP_RUNTIME_PYTHON);
    turn(
        GP_RUNTIME_PYTHON, gp_python_step, [] {},
        [this, outer] {
          set_register(GP_REG_RSP, outer);
          return note_native();
        });
  }
};

// Nor has the _PyCFrame before it been set yet, which compilers do later: the one above is found by where it lies.
TEST_P(PythonWalkTest, FindsTheActivationAboveOneThatIsJustEntered) {
  if (python_.frame_indirect == 0) return;
  const auto whole = walk()->frames();
  constexpr uint64_t kEntered = 0x100000;
  constexpr uint64_t kDepth = 0x90;
  const uint64_t field = world_.cached_thread + python_.thread_frame;
  const uint64_t cframe = word_at(recording_, field);
  for (const uint64_t before : {uint64_t{0x10}, recording_.pieces.begin()->first}) {
    std::vector<uint8_t> entered(python_.cframe_frame + 16);
    std::memcpy(&entered[python_.cframe_frame], &before, sizeof(before));
    std::memcpy(&entered[python_.cframe_frame + 8], &before, sizeof(before));
    recording_.pieces[kEntered] = entered;
    set_word_at(recording_, field, kEntered);
    TwoActivations walked;
    walked.run(world_, recording_.thread, kEntered + kDepth, cframe + kDepth);
    const auto frames = walked.frames();
    ASSERT_EQ(frames.size(), whole.size());
    for (size_t i = 0; i < frames.size(); ++i) EXPECT_TRUE(is_same(frames[i], whole[i]));
    EXPECT_EQ(walked.handed_over[0], 0U);
  }
}

// Before 3.11 the place in the loop's code tells whether its frame is the thread's yet, or any more.
TEST_P(PythonWalkTest, GivesNoFrameToALoopThatHasNoneLinked) {
  if (python_.object_frames == 0) return;
  const auto whole = walk()->frames();
  python_.loop_start = 0x4000;
  python_.loop_cfa = 0x100;
  python_.loop_register = GP_REG_RSP;
  python_.unlinked[0] = {.start = 0, .end = 0x40};
  python_.unlinked[1] = {.start = 0x900, .end = 0x910};
  world_.entry = targets::entry_with(GP_RUNTIME_PYTHON, python_);
  const auto handed_over_first = [&](uint64_t offset, int32_t cfa_offset) {
    PythonWalk walked;
    walked.state.found.runtime = GP_RUNTIME_PYTHON;
    walked.state.found.offset = offset;
    walked.state.found.rule.cfa_op = GP_CFA_REG;
    walked.state.found.rule.cfa_reg = GP_REG_RSP;
    walked.state.found.rule.cfa_offset = cfa_offset;
    walked.run(world_, recording_.thread);
    const auto frames = walked.frames();
    EXPECT_EQ(frames.size(), whole.size());
    EXPECT_EQ(frames[0].value, whole[0].value);
    return walked.handed_over.at(0);
  };
  EXPECT_EQ(handed_over_first(0x4000, 8), 0U);
  EXPECT_EQ(handed_over_first(0x403f, 0x100), 0U);
  EXPECT_EQ(handed_over_first(0x4040, 0x100), 1U);
  EXPECT_EQ(handed_over_first(0x4905, 0x100), 0U);
  EXPECT_EQ(handed_over_first(0x4a00, 0xf8), 0U);   // registers are being restored
  EXPECT_EQ(handed_over_first(0x4a00, 0x110), 1U);  // arguments of a call on the stack
  EXPECT_EQ(handed_over_first(0x3fff, 0x100), 1U);
}

// 3.14t: instructions of a thread's own copy of the bytecode count from that copy.
TEST(PythonBytecode, IsTheThreadsCopy) {
  constexpr uint64_t kCode = 0x10000;
  constexpr uint64_t kCopies = 0x20000;
  const auto words = [](std::initializer_list<uint64_t> values) {
    std::vector<uint8_t> bytes(values.size() * 8);
    std::memcpy(bytes.data(), std::data(values), bytes.size());
    return bytes;
  };
  MemoryPieces memory;
  memory.add(kCode + 224, words({kCopies}));
  memory.add(kCopies, words({3, kCode + 232, 0x30000, 0}));
  WalkWorld world;
  world.memory = &memory;
  current_world = &world;
  gp_python python{};
  python.code_start = 232;
  python.code_copies = 224;
  gp_walk w{};
  EXPECT_EQ(gp_python_bytecode(&w, &python, kCode, 0), kCode + 232);
  EXPECT_EQ(gp_python_bytecode(&w, &python, kCode, 1), 0x30000U);
  EXPECT_EQ(gp_python_bytecode(&w, &python, kCode, 2), 0U);  // not made yet
  EXPECT_EQ(gp_python_bytecode(&w, &python, kCode, 3), 0U);  // beyond the array
  EXPECT_EQ(gp_python_bytecode(&w, &python, kCode, UINT32_MAX), 0U);
  EXPECT_EQ(gp_python_bytecode(&w, &python, 0x50000, 1), 0U);  // not readable
  current_world = nullptr;

  EXPECT_EQ(gp_python_unit(0x30008, 0x30000), 4U);
  EXPECT_EQ(gp_python_unit(kCode + 232 - 2, kCode + 232), GP_PYTHON_NOT_STARTED);
  targets::CodeSymbol symbol;
  symbol.first_line = 7;
  symbol.line_table = {0xef, 0x00};  // eight units on the first line
  EXPECT_EQ(PythonRuntime().line(symbol, 4), 7U);
  EXPECT_EQ(PythonRuntime().line(symbol, gp_python_unit(0x30008, 0)), 0U);
}

INSTANTIATE_TEST_SUITE_P(Versions, PythonWalkTest,
                         testing::Values("2.7", "3.6", "3.8", "3.9-debian", "3.10", "3.10-thread", "3.11", "3.12",
                                         "3.13", "3.11-debian", "3.12-thread", "3.13-subinterpreter", "3.13t",
                                         "3.14-debian", "3.14t-thread", "3.9-debug"),
                         kVersionName);

}  // namespace
}  // namespace gp::runtimes::python
