// A recorded load in, exact bytes out.
#include "tests/replay/replay.h"

#include <gtest/gtest.h>

#include "output/output.h"
#include "tests/replay/recorded_load.h"
#include "tests/support/golden.h"

namespace gp::replay {
namespace {

RecordedLoad recorded() {
  auto load = RecordedLoad::read(GP_SOURCE_DIR "/tests/data/replay/mixed.load");
  EXPECT_TRUE(load) << load.error().message();
  return load ? std::move(*load) : RecordedLoad();
}

std::string collapsed(const profile::Profile& profile) {
  output::StringSink sink;
  output::write(output::Format::kCollapsed, profile, sink);
  return sink.text();
}

TEST(Replay, MixedLoadBecomesExactlyThisProfile) {
  const RecordedLoad load = recorded();
  Replay replay(load);
  replay.play();
  const profile::Profile profile = replay.close();
  EXPECT_TRUE(profile.quality.sums_hold());
  EXPECT_EQ(profile.quality.reported(), replay.samples());
  uint64_t count = 0;
  for (const auto& group : profile.samples) count += group.count;
  EXPECT_EQ(count, replay.samples());
  test::expect_golden("replay.col", collapsed(profile));
}

TEST(Replay, PlayedTwiceHasEverythingTwice) {
  const RecordedLoad load = recorded();
  Replay replay(load);
  replay.play();
  const auto once = replay.close();
  replay.play_samples();
  replay.play_samples();
  const auto twice = replay.close();
  EXPECT_EQ(twice.quality.whole, 2 * once.quality.whole);
  EXPECT_EQ(twice.nodes.size(), once.nodes.size());
  ASSERT_EQ(twice.samples.size(), once.samples.size());
  EXPECT_EQ(twice.quality.frames, 2 * once.quality.frames);
}

TEST(RecordedLoad, ReadsWhatItWrote) {
  const RecordedLoad load = recorded();
  const auto again = RecordedLoad::parse(load.text());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->text(), load.text());
  EXPECT_FALSE(RecordedLoad::parse("sample 1 2 3 4 5 99 x\n"));
  EXPECT_FALSE(RecordedLoad::parse("frame 1 0 0 7 10\n"));
}

}  // namespace
}  // namespace gp::replay
