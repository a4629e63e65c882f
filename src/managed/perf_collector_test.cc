#include "managed/perf_collector.h"

#include <gtest/gtest.h>

namespace gp::managed {
namespace {

// `samples` of process `pid`, each with so many frames.
PerfScript samples(int32_t pid, uint64_t samples, size_t frames) {
  PerfScript script;
  for (uint64_t i = 0; i < samples; ++i) {
    script.line(fmt::format("x {0}/{0}", pid));
    for (size_t n = 0; n < frames; ++n) script.line(fmt::format("\t {:x} f{} (/bin/x)", n, n));
    script.line("");
  }
  return script;
}

TEST(ChooseDeeper, TakesWhatSeesMoreAtTheFirstOnesCount) {
  const auto deeper = [](size_t fp_frames, size_t dwarf_frames) {
    const auto chosen = choose_deeper(samples(1, 30, fp_frames).processes(), samples(1, 10, dwarf_frames).processes());
    EXPECT_EQ(chosen.size(), 1U);
    EXPECT_EQ(chosen[0].total(), 30U);  // scaled, if it is the other's
    return chosen[0].nodes().size() - 1;
  };
  EXPECT_EQ(deeper(3, 8), 8U);
  EXPECT_EQ(deeper(8, 3), 8U);
  EXPECT_EQ(deeper(5, 5), 5U);
}

TEST(ChooseDeeper, LeavesOutWhatOnlyTheOtherSaw) {
  EXPECT_TRUE(choose_deeper({}, samples(1, 10, 3).processes()).empty());
  EXPECT_EQ(choose_deeper(samples(2, 1, 1).processes(), samples(1, 10, 3).processes()).size(), 1U);
}

}  // namespace
}  // namespace gp::managed
