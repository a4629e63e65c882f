#include "profile/quality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gp::profile {
namespace {

TEST(Quality, SaysWhatCouldNotBeLookedAt) {
  Quality quality;
  quality.taken = quality.whole = 10;
  EXPECT_THAT(quality.summary(), testing::Not(testing::HasSubstr("filesystem")));
  quality.hung_files = 3;
  EXPECT_THAT(quality.summary(), testing::HasSubstr("3 files not looked at: their filesystem does not answer"));
  EXPECT_THAT(quality.summary(), testing::Not(testing::HasSubstr("no further file")));
  quality.loading_stopped = true;
  EXPECT_THAT(quality.summary(), testing::HasSubstr("no further file could be, until it does"));
}

}  // namespace
}  // namespace gp::profile
