#include "session/grid.h"

#include <gtest/gtest.h>

namespace gp::session {
namespace {

TEST(Grid, EndsAreMultiplesOfThePeriodWhateverTheWindowsTook) {
  const Grid grid{.start_ns = 1000, .period_ns = 60};
  EXPECT_EQ(grid.next_after(1000), 1060U);
  EXPECT_EQ(grid.next_after(1059), 1060U);
  EXPECT_EQ(grid.next_after(1060), 1120U);
  EXPECT_EQ(grid.next_after(1063), 1120U) << "no drift by what closing took";
}

TEST(Grid, LeavesOutWhatPassedWhileTheHostSlept) {
  const Grid grid{.start_ns = 1000, .period_ns = 60};
  EXPECT_EQ(grid.next_after(1000 + 60 * 1000 + 1), 1000U + 60 * 1001);
}

TEST(Grid, BeforeItsStartAndWithoutAPeriod) {
  EXPECT_EQ((Grid{.start_ns = 1000, .period_ns = 60}.next_after(5)), 1060U);
  EXPECT_EQ((Grid{.start_ns = 1000, .period_ns = 0}.next_after(5000)), kNever);
}

}  // namespace
}  // namespace gp::session
