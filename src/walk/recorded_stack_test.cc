// Stacks of real programs (tests/workloads), whose calls are known from their sources. Made by gp_record_stack.
#include "walk/testing/recorded_stack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace gp::walk {
namespace {

struct Program {
  const char* recording;
  std::vector<std::string> calls;  // root first, from where the program's own code begins
};

class RecordedStackTest : public testing::TestWithParam<Program> {
 protected:
  RecordedStackTest() {
    for (const RecordedPage& page : recorded_.pages) tables_.load(page);
  }
  // Root first.
  static std::vector<std::string> names(const RecordedStack& recorded, const WalkedStack& walked) {
    std::vector<std::string> all;
    for (size_t i = walked.frames.size(); i-- > 0;) {
      const auto& frame = walked.frames[i];
      const auto name = recorded.names.find({frame.extra, frame.value});
      all.push_back(name == recorded.names.end() ? "unknown place" : name->second);
    }
    return all;
  }

  RecordedStack recorded_ = RecordedStack::load(std::string(GP_SOURCE_DIR "/tests/data/walk/") + GetParam().recording);
  RecordedTables tables_{16};
  NativeWalker walker_{tables_.plain.tables};
};

TEST_P(RecordedStackTest, WalksToTheRoot) {
  ASSERT_FALSE(recorded_.stack.empty());
  const auto walked = walker_.walk(recorded_.deferred());
  EXPECT_EQ(walked.end, GP_END_ROOT);
  EXPECT_FALSE(walked.guessed);
  auto seen = names(recorded_, walked);
  // The C library's part has names of its own version.
  const auto own = std::ranges::find(seen, GetParam().calls.front());
  seen.erase(seen.begin(), own);
  EXPECT_EQ(seen, GetParam().calls);
}

// Cut anywhere, the stack gives the same frames as far as it goes.
TEST_P(RecordedStackTest, ATornStackIsShorterNeverOther) {
  const auto walked = walker_.walk(recorded_.deferred());
  const std::vector<gp_frame> whole(walked.frames.begin(), walked.frames.end());
  for (size_t bytes = 0; bytes < recorded_.stack.size(); bytes += 8) {
    DeferredStack torn = recorded_.deferred();
    torn.stack = torn.stack.first(bytes);
    const auto part = walker_.walk(torn);
    ASSERT_NE(part.end, GP_END_ROOT);
    ASSERT_LE(part.frames.size(), whole.size());
    for (size_t i = 0; i < part.frames.size(); ++i) ASSERT_EQ(part.frames[i].value, whole[i].value);
  }
}

// Without the rows of a page the walk ends there for want of it.
TEST_P(RecordedStackTest, AnyPageMayBeMissing) {
  for (const RecordedPage& page : recorded_.pages) {
    uint64_t& word = tables_.plain.tables.pages[page.file * kPagesOfAFile + page.page];
    const uint64_t loaded = std::exchange(word, GP_PAGE_NOT_LOADED);
    EXPECT_EQ(walker_.walk(recorded_.deferred()).end, GP_END_PAGE_MISSING);
    word = loaded;
  }
  EXPECT_EQ(walker_.walk(recorded_.deferred()).end, GP_END_ROOT);
}

std::vector<std::string> chain() {
  std::vector<std::string> calls{"main"};
  for (int i = 1; i <= 10; ++i) calls.push_back("chain_" + std::to_string(i));
  return calls;
}
std::vector<std::string> deep() {
  std::vector<std::string> calls(301, "recurse");
  calls.front() = "main";
  calls.emplace_back("at_the_bottom");
  return calls;
}

// An exception on its way: libgcc's unwinder under the function that throws.
std::vector<std::string> thrown() {
  std::vector<std::string> calls{"main", "_ZN6shapes5OuterIiE3runEv"};
  for (int i = 3; i >= 0; --i) {
    calls.push_back("_ZN6shapes7descendILi" + std::to_string(i) +
                    "EEEmRKSt6vectorISt10unique_ptrINS_5ShapeESt14default_deleteIS3_EESaIS6_EE");
  }
  for (const char* last :
       {"_ZN6shapes7throwerEi.cold", "__cxa_throw", "_Unwind_RaiseException", "?", "_Unwind_Find_FDE"}) {
    calls.emplace_back(last);
  }
  return calls;
}
std::vector<std::string> go() {
  std::vector<std::string> calls(13, "main.fibonacci");  // as deep as this recording happens to be
  calls.insert(calls.begin(), {"runtime.goexit.abi0", "runtime.main", "main.main"});
  return calls;
}

INSTANTIATE_TEST_SUITE_P(
    Programs, RecordedStackTest,
    testing::Values(Program{"c_chain.rec", chain()}, Program{"c_deep.rec", deep()},
                    Program{"c_aligned.rec", {"main", "aligned_outer", "aligned_inner", "burn_aligned"}},
                    Program{"cpp_throw.rec", thrown()}, Program{"go.rec", go()},
                    Program{"c_signal.rec", {"main", "interrupted", "kill", "?", "on_signal", "burn_in_handler"}}),
    [](const auto& test) {
      const std::string name = test.param.recording;
      return name.substr(0, name.find('.'));
    });

}  // namespace
}  // namespace gp::walk
