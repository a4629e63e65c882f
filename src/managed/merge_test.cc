#include "managed/merge.h"

#include <gtest/gtest.h>

namespace gp::managed {
namespace {

profile::ToolStacks stacks_of(int32_t pid, uint64_t weight) {
  profile::Process process;
  process.key = {.pid = pid, .start_ticks = 1};
  profile::ToolStacks stacks(std::move(process));
  profile::Function function;
  function.name = "f";
  stacks.add(std::vector{function}, weight);
  return stacks;
}

TEST(Merge, SaysWhatCameOfIt) {
  Collection collection;
  collection.processes.push_back(stacks_of(1, 3));
  collection.processes.push_back(stacks_of(2, 4));
  collection.processes.push_back(stacks_of(3, 0));
  collection.failures = {{std::nullopt, "x: exit code 1"}, {std::nullopt, "x: exit code 1"}, {std::nullopt, "x: late"}};
  profile::Profile profile;
  merge_collection("x", collection, [] { return 0.5; }, profile);
  note_failure("y", "timed out", profile);
  ASSERT_EQ(profile.tools.size(), 2U);
  EXPECT_EQ(profile.tools[0].summary(),
            "x: the stacks of 2 processes, 7 samples; failed 2 times: x: exit code 1; failed once: x: late");
  EXPECT_EQ(profile.tools[1].summary(), "y: the stacks of 0 processes, 0 samples; failed once: timed out");
}

TEST(Merge, BoundsItsReasons) {
  profile::Profile profile;
  for (int i = 0; i < 100; ++i) note_failure("x", std::to_string(i), profile);
  EXPECT_EQ(profile.tools[0].failures.size(), 33U);
  EXPECT_EQ(profile.tools[0].failures.at("other reasons"), 68U);
}

}  // namespace
}  // namespace gp::managed
