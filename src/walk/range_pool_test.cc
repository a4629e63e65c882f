#include "walk/range_pool.h"

#include <gtest/gtest.h>

namespace gp::walk {
namespace {

TEST(RangePool, GivesRangesOnceAndAgainAfterTheGracePeriod) {
  RangePool pool(10);
  EXPECT_EQ(pool.take(6, 0), 0U);
  EXPECT_EQ(pool.take(6, 0), std::nullopt);
  EXPECT_EQ(pool.take(4, 0), 6U);
  pool.give_back(0, 6, 1000);
  EXPECT_EQ(pool.take(1, 1000 + kGraceNs - 1), std::nullopt);
  EXPECT_EQ(pool.take(6, 1000 + kGraceNs), 0U);
  EXPECT_EQ(pool.used(), 10U);
}

TEST(RangePool, JoinsNeighbours) {
  RangePool pool(9);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(pool.take(3, 0), i * 3);
  pool.give_back(0, 3, 0);
  pool.give_back(6, 3, 0);
  EXPECT_EQ(pool.take(4, kGraceNs), std::nullopt);
  pool.give_back(3, 3, 0);
  EXPECT_EQ(pool.take(9, kGraceNs), 0U);
}

}  // namespace
}  // namespace gp::walk
