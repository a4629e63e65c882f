// The walker of bpf/walk/ruby.h over recorded memory: names and lines must be what Ruby itself told.
#include "runtimes/ruby/testing/walk.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtimes/ruby/ruby_runtime.h"
#include "runtimes/ruby/testing/recording.h"
#include "runtimes/testing/walked.h"

namespace gp::runtimes::ruby {
namespace {

// A frame as people see it.
struct Seen {
  std::string name;
  std::string file;
  uint32_t line = 0;
};

class RubyWalkTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto loaded = Recording::load(std::string(GP_SOURCE_DIR "/tests/data/ruby/") + GetParam() + ".recording");
    ASSERT_TRUE(loaded);
    recording_ = std::move(*loaded);
    const auto entry = recording_.entry();
    ASSERT_TRUE(entry);
    world_.memory = &recording_;
    world_.entry = *entry;
  }

  std::unique_ptr<RubyWalk> walk(gp_drain drain = GP_DRAIN_NOT) {
    auto walk = std::make_unique<RubyWalk>();
    walk->run(world_, recording_.thread, drain);
    return walk;
  }

  // What shipped records say about a frame's code.
  std::optional<targets::CodeSymbol> symbol_of(const gp_frame& frame) {
    return shipped_for(world_, frame, runtime_, recording_);
  }

  std::vector<std::string> names() {
    std::vector<std::string> names;
    for (const auto& frame : walk()->frames()) {
      const auto symbol = symbol_of(frame);
      names.push_back(symbol ? symbol->name : "");
    }
    return names;
  }

  std::vector<Seen> seen_in(const RubyWalk& walked) {
    std::vector<Seen> seen;
    for (const auto& frame : walked.frames()) {
      EXPECT_EQ(frame.kind, GP_FRAME_RUBY);
      const auto symbol = symbol_of(frame);
      EXPECT_TRUE(symbol);
      if (symbol) seen.push_back({symbol->name, symbol->file, runtime_.line(*symbol, frame.extra)});
    }
    return seen;
  }

  RubyRuntime runtime_;
  Recording recording_;
  WalkWorld world_;
};

// From 3.4 on backtraces have no line for "rescue in foo": foo's says where that is (Ruby's feature 20275).
std::vector<Seen> without_rescue(std::vector<Seen> seen) {
  for (size_t i = 0; i + 1 < seen.size(); ++i) {
    if (!seen[i].name.starts_with("rescue in ")) continue;
    seen[i + 1].line = seen[i].line;
    seen.erase(seen.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return seen;
}

// `name` without the class that Ruby before 3.4 does not tell: "block in Foo#run" → "block in run".
std::string unqualified(const std::string& name) {
  const size_t method = name.find_last_of("#.");
  if (method == std::string::npos || name.find('<') != std::string::npos) return name;
  const size_t in = name.rfind(" in ", method);
  return (in == std::string::npos ? std::string() : name.substr(0, in + 4)) + name.substr(method + 1);
}

std::string cut(const std::string& label) {
  return label.size() > GP_SYMBOL_NAME_MAX ? label.substr(0, GP_SYMBOL_NAME_MAX) + "…" : label;
}

TEST_P(RubyWalkTest, SeesWhatRubyTells) {
  const auto walked = walk();
  const bool as_in_3_4 = std::ranges::any_of(
      recording_.frames, [](const ToldFrame& told) { return told.name.find('#') != std::string::npos; });
  const auto seen = as_in_3_4 ? without_rescue(seen_in(*walked)) : seen_in(*walked);
  ASSERT_GE(seen.size(), recording_.frames.size());
  // The innermost frames are those of what told and stopped.
  const size_t extra = seen.size() - recording_.frames.size();
  EXPECT_LE(extra, 3U);
  uint32_t c_functions = 0;
  for (size_t i = 0; i < recording_.frames.size(); ++i) {
    const ToldFrame& told = recording_.frames[i];
    const Seen& frame = seen[i + extra];
    EXPECT_EQ(unqualified(frame.name), cut(unqualified(told.name)));
    if (as_in_3_4 && told.name.size() <= GP_SYMBOL_NAME_MAX) {
      EXPECT_EQ(frame.name, told.name);
    }
    if (frame.file.empty()) {
      ++c_functions;  // no place of its own: Ruby tells its caller's
      EXPECT_EQ(told.line, recording_.frames[i + 1].line) << told.name;
    } else {
      EXPECT_EQ(frame.file, told.file);
      EXPECT_EQ(frame.line, told.line) << told.name;
    }
  }
  EXPECT_GE(c_functions, 4U);
  EXPECT_TRUE(gp_is_done(&walked->state, GP_RUNTIME_RUBY));
  EXPECT_EQ(walked->state.end, GP_END_NONE);
}

TEST_P(RubyWalkTest, QualifiesMethodsWithTheirClass) {
  const auto found = names();
  for (const char* name : {"Object#recurse", "Object#many_lines", "block in Shared#in_module", "Array#each",
                           "Shared#in_module", "Tools.helper", "block in <class:Outer>", "Outer.größe",
                           "rescue in Outer#rescued", "Outer#rescued", "String#gsub", "own_method",
                           "block in Anonymous::ANONYMOUS#nameless", "Enumerable#sort_by", "Class#initialize"})
    EXPECT_NE(std::ranges::find(found, name), found.end()) << name;
}

TEST_P(RubyWalkTest, HandsOverBehindEveryEntry) {
  const auto walked = walk();
  const auto frames = walked->frames();
  std::vector<uint32_t> expected;
  for (uint32_t i = 0; i < frames.size(); ++i)
    if ((frames[i].flags & GP_FRAME_ENTRY) != 0) expected.push_back(i + 1);
  EXPECT_EQ(walked->handed_over, expected);
  EXPECT_GE(expected.size(), 4U);
}

TEST_P(RubyWalkTest, DrainsTheSameFrames) {
  const auto whole = walk()->frames();
  const auto drained = walk(GP_DRAIN_FOR_LATER)->frames();
  ASSERT_EQ(drained.size(), whole.size() + 1);
  EXPECT_EQ(drained[0].kind, GP_FRAME_PLACE);
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(drained[i + 1].value, whole[i].value);
    EXPECT_EQ(drained[i + 1].flags, whole[i].flags);
  }
}

TEST_P(RubyWalkTest, ShipsCodeAtFirstSight) {
  const auto frames = walk()->frames();
  const size_t code = distinct_code(frames);
  EXPECT_EQ(world_.shipped.size(), code);
  walk();
  EXPECT_LE(world_.shipped.size(), code + 3);  // those that share a pair of slots
}

// A control frame that C has pushed, while the loop is not entered yet: r15 of the activation that is met tells that it
// is in an older one, and all frames down to that one's entry are its own.
TEST_P(RubyWalkTest, GoesByTheLoopsOwnFrame) {
  const auto whole = walk();
  const uint64_t bytes = targets::layout_of<gp_ruby>(world_.entry).frame_bytes;
  auto walked = std::make_unique<RubyWalk>();
  walked->run(world_, recording_.thread);
  const uint64_t first = walked->state.ruby.end;
  ASSERT_GE(whole->handed_over.size(), 3U);

  // The oldest frame but the bottom: everything is of one activation.
  walked = std::make_unique<RubyWalk>();
  walked->state.registers.valid = 1U << GP_RUBY_REG_FRAME;
  walked->state.registers.value[GP_RUBY_REG_FRAME] = first - 2 * bytes;
  walked->run(world_, recording_.thread);
  EXPECT_EQ(walked->frames().size(), whole->frames().size());
  ASSERT_FALSE(walked->handed_over.empty());
  EXPECT_GT(walked->handed_over[0], whole->handed_over[0]);

  // What is no control frame says nothing.
  walked = std::make_unique<RubyWalk>();
  walked->state.registers.valid = 1U << GP_RUBY_REG_FRAME;
  walked->state.registers.value[GP_RUBY_REG_FRAME] = first - 3;
  walked->run(world_, recording_.thread);
  EXPECT_EQ(walked->handed_over, whole->handed_over);
}

// The name of a class in a page that is not there is read later.
TEST_P(RubyWalkTest, ReadsScopesLater) {
  uint32_t late = 0;
  const auto whole = names();
  const uint32_t reads = std::exchange(world_.reads, 0);
  refuse_each_read(world_, std::min(reads, 150U), [&](uint32_t /*failing*/) {
    static_cast<void>(walk());
    for (const auto& record : world_.shipped) {
      const auto head = read_at<gp_symbol>(record, 0);
      const auto symbol = runtime_.decode(record, &recording_);
      if (!head || !symbol || head->scope.width != 0) continue;
      const auto lines = read_at<gp_ruby_lines>(record, sizeof(gp_symbol) + head->name.bytes + head->file.bytes);
      if (!lines || lines->scope_address == 0) continue;
      ++late;
      EXPECT_NE(std::ranges::find(whole, symbol->name), whole.end()) << symbol->name;
      EXPECT_LT(runtime_.decode(record, nullptr)->name.size(), symbol->name.size());
    }
  });
  EXPECT_GT(late, 0U);
}

// Every single read may fail: the walk ends, and what it has pushed by then is right.
TEST_P(RubyWalkTest, EndsWhereMemoryCannotBeRead) {
  const auto whole = walk()->frames();
  const uint32_t reads = std::exchange(world_.reads, 0);
  refuse_each_read(world_, reads, [&](uint32_t failing) {
    const auto frames = walk()->frames();
    ASSERT_LE(frames.size(), whole.size() + 1) << failing;
    for (size_t i = 0; i < std::min(frames.size(), whole.size()); ++i) {
      if (frames[i].kind != GP_FRAME_RUBY) break;
      // A C function whose method could not be read is left out.
      if (frames.size() == whole.size()) {
        EXPECT_EQ(frames[i].value, whole[i].value) << failing;
      }
    }
  });
}

TEST_P(RubyWalkTest, StopsAtTheFrameLimit) {
  auto walked = std::make_unique<RubyWalk>();
  walked->state.frames = GP_MAX_FRAMES - 3;
  walked->run(world_, recording_.thread);
  EXPECT_EQ(walked->state.frames, uint32_t{GP_MAX_FRAMES});
  EXPECT_EQ(walked->state.end, GP_END_DEPTH);
}

// A thread of the program that is none of Ruby's.
TEST_P(RubyWalkTest, LeavesOtherThreadsAlone) {
  RubyWalk walked;
  walked.run(world_, 0x1000);
  EXPECT_EQ(walked.state.frames, 0U);
  EXPECT_TRUE(gp_is_done(&walked.state, GP_RUNTIME_RUBY));
}

INSTANTIATE_TEST_SUITE_P(Versions, RubyWalkTest,
                         testing::Values("2.7", "2.7-thread", "3.0", "3.1", "3.1-fiber", "3.2", "3.2-fiber", "3.3",
                                         "3.3-thread", "3.4", "4.0", "4.0-thread"),
                         kVersionName);

}  // namespace
}  // namespace gp::runtimes::ruby
