#include "profile/tool_stacks.h"

#include <gtest/gtest.h>

#include <numeric>

namespace gp::profile {
namespace {

Function function(std::string name, FrameKind kind = FrameKind::kNative, bool named = true) {
  Function made;
  made.name = std::move(name);
  made.kind = kind;
  made.named = named;
  return made;
}

// Process 10 (threads 10 and 11) with 6 samples of main;walked, process 20 with 4 of main;other;?.
Profile walked() {
  Profile profile;
  profile.functions = {function("main"), function("walked"), function("other"),
                       function("?", FrameKind::kNative, false)};
  profile.nodes = {{}, {0, 0}, {1, 1}, {1, 2}, {3, 3}};
  profile.processes.resize(2);
  profile.processes[0].key = {.pid = 10, .start_ticks = 5};
  profile.processes[1].key = {.pid = 20, .start_ticks = 6};
  profile.threads = {{0, 10, "a"}, {0, 11, "b"}, {1, 20, "c"}};
  profile.samples = {{0, 2, 2}, {1, 2, 4}, {2, 4, 4}};
  profile.quality.taken = profile.quality.whole = 10;
  profile.quality.frames = 6 * 2 + 4 * 3;
  profile.quality.unnamed = profile.quality.unnamed_frames = 4;
  return profile;
}

Process process(int32_t pid, uint64_t start) {
  Process made;
  made.key = {.pid = pid, .start_ticks = start};
  made.comm = "tool-seen";
  return made;
}

uint64_t sum_of(const Profile& profile) {
  return std::accumulate(profile.samples.begin(), profile.samples.end(), uint64_t{0},
                         [](uint64_t sum, const SampleGroup& group) { return sum + group.count; });
}

// Count of each stack, "root;…;leaf".
std::map<std::string, uint64_t> stacks_of(const Profile& profile) {
  std::map<std::string, uint64_t> stacks;
  for (const SampleGroup& group : profile.samples) {
    std::string text;
    for (uint32_t node = group.stack; node != 0; node = profile.nodes[node].parent) {
      text.insert(0, ";" + profile.functions[profile.nodes[node].function].name);
    }
    stacks[text] += group.count;
  }
  return stacks;
}

TEST(ToolStacks, MergesEqualStacks) {
  ToolStacks stacks(process(1, 1));
  EXPECT_TRUE(stacks.add(std::vector{function("a"), function("b")}, 2));
  EXPECT_TRUE(stacks.add(std::vector{function("a"), function("b")}, 3));
  EXPECT_TRUE(stacks.add(std::vector{function("a"), function("c")}, 1));
  EXPECT_TRUE(stacks.add({}, 9));
  EXPECT_TRUE(stacks.add(std::vector{function("z")}, 0));
  EXPECT_EQ(stacks.total(), 6U);
  EXPECT_EQ(stacks.nodes().size(), 4U);
  EXPECT_EQ(stacks.functions().size(), 3U);
}

TEST(ToolStacks, IsBounded) {
  ToolStacks stacks(process(1, 1));
  const std::vector<Function> deep(ToolStacks::kMaxNodes, function("f"));
  EXPECT_FALSE(stacks.add(deep, 1));
  EXPECT_EQ(stacks.dropped(), 1U);
  EXPECT_TRUE(stacks.add(std::vector{function("g")}, UINT64_MAX));
  EXPECT_TRUE(stacks.add(std::vector{function("g")}, UINT64_MAX));
  EXPECT_EQ(stacks.total(), ToolStacks::kMaxWeight);
}

TEST(ReplaceStacks, ScalesToTheSamplesTaken) {
  Profile profile = walked();
  ToolStacks stacks(process(10, 5));
  stacks.add(std::vector{function("x")}, 100);
  stacks.add(std::vector{function("x"), function("y", FrameKind::kNative, false)}, 200);
  EXPECT_EQ(replace_stacks(profile, stacks, 0.5), 6U);
  EXPECT_EQ(stacks_of(profile), (std::map<std::string, uint64_t>{{";x", 2}, {";x;y", 4}, {";main;other;?", 4}}));
  EXPECT_TRUE(profile.quality.sums_hold());
  EXPECT_EQ(profile.quality.reported(), sum_of(profile));
  EXPECT_EQ(profile.quality.frames, 2U + 4 * 2 + 4 * 3);
  EXPECT_EQ(profile.quality.unnamed_frames, 8U);
  EXPECT_EQ(profile.quality.unnamed, 8U);
  EXPECT_EQ(profile.processes.size(), 2U);
}

TEST(ReplaceStacks, RoundsUpWithTheProbabilityOfTheFraction) {
  std::map<std::string, uint64_t> seen;
  constexpr int kPhases = 1000;
  for (int i = 0; i < kPhases; ++i) {
    Profile profile = walked();
    ToolStacks stacks(process(10, 5));
    stacks.add(std::vector{function("x")}, 1);  // 0.6 of the 6 samples
    stacks.add(std::vector{function("y")}, 9);  // 5.4
    replace_stacks(profile, stacks, (i + 0.5) / kPhases);
    EXPECT_EQ(sum_of(profile), 10U);
    for (const auto& [text, count] : stacks_of(profile)) seen[text] += count;
  }
  EXPECT_EQ(seen[";x"], 600U);
  EXPECT_EQ(seen[";y"], 5400U);
}

TEST(ReplaceStacks, AddsAProcessThatWasNotSampled) {
  Profile profile = walked();
  ToolStacks stacks(process(10, 6));  // the pid of another time
  stacks.add(std::vector{function("x")}, 3);
  EXPECT_EQ(replace_stacks(profile, stacks, 0), 3U);
  EXPECT_EQ(profile.processes.size(), 3U);
  EXPECT_EQ(profile.processes.back().comm, "tool-seen");
  EXPECT_EQ(sum_of(profile), 13U);
  EXPECT_TRUE(profile.quality.sums_hold());
  EXPECT_EQ(profile.quality.taken, 13U);
}

TEST(ReplaceStacks, FillsAnEmptyProfile) {
  Profile profile;
  ToolStacks stacks(process(1, 1));
  stacks.add(std::vector{function("x")}, 3);
  EXPECT_EQ(replace_stacks(profile, stacks, 0.9), 3U);
  EXPECT_EQ(stacks_of(profile), (std::map<std::string, uint64_t>{{";x", 3}}));
}

TEST(ReplaceStacks, LeavesWalkedStacksAloneWithoutAny) {
  Profile profile = walked();
  EXPECT_EQ(replace_stacks(profile, ToolStacks(process(10, 5)), 0.5), 0U);
  EXPECT_EQ(stacks_of(profile), stacks_of(walked()));
}

TEST(ReplaceStacks, TakesTheLastProgramOfAProcess) {
  Profile profile = walked();
  profile.processes[1].key = profile.processes[0].key;  // an exec
  ToolStacks stacks(process(10, 5));
  stacks.add(std::vector{function("x")}, 1);
  EXPECT_EQ(replace_stacks(profile, stacks, 0), 4U);
  EXPECT_EQ(stacks_of(profile), (std::map<std::string, uint64_t>{{";x", 4}, {";main;walked", 6}}));
}

TEST(DropUnused, KeepsWhatSamplesUse) {
  Profile profile = walked();
  ToolStacks stacks(process(20, 6));
  stacks.add(std::vector{function("x")}, 1);
  replace_stacks(profile, stacks, 0);
  const auto before = stacks_of(profile);
  drop_unused(profile);
  EXPECT_EQ(stacks_of(profile), before);
  EXPECT_EQ(profile.nodes.size(), 4U);  // root, main, walked, x
  EXPECT_EQ(profile.functions.size(), 3U);
  Profile nothing;
  drop_unused(nothing);
  EXPECT_EQ(nothing.nodes.size(), 1U);
}

}  // namespace
}  // namespace gp::profile
