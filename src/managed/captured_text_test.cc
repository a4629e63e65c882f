#include "managed/captured_text.h"

#include <gtest/gtest.h>

namespace gp::managed {
namespace {

TEST(CapturedText, KeepsTheNewest) {
  CapturedText text(Keep::kNewest, 5);
  text.append("abc");
  EXPECT_EQ(text.text(), "abc");
  text.append("defg");
  EXPECT_EQ(text.text(), "cdefg");
  text.append("0123456789");
  EXPECT_EQ(text.text(), "56789");
  text.append("x");
  EXPECT_EQ(text.text(), "6789x");
  EXPECT_EQ(text.dropped_bytes(), 13U);
}

TEST(CapturedText, KeepsTheOldest) {
  CapturedText text(Keep::kOldest, 5);
  text.append("abc");
  text.append("defg");
  text.append("h");
  EXPECT_EQ(text.text(), "abcde");
  EXPECT_EQ(text.dropped_bytes(), 3U);
}

TEST(CapturedText, MayKeepNothing) {
  CapturedText text(Keep::kNewest, 0);
  text.append("abc");
  EXPECT_EQ(text.text(), "");
  EXPECT_EQ(text.dropped_bytes(), 3U);
}

TEST(LastLines, AreFitForALog) {
  EXPECT_EQ(last_lines("one\ntwo\n\n  \nthree\n", 2), "two | three");
  EXPECT_EQ(last_lines("one", 3), "one");
  EXPECT_EQ(last_lines("", 3), "");
  EXPECT_EQ(last_lines("\n\n", 3), "");
  EXPECT_EQ(last_lines("red \x1b[31m\xff\n", 1), "red ?[31m?");
  EXPECT_EQ(last_lines("over\rwritten", 1), "written");
  EXPECT_EQ(last_lines(std::string(1000, 'x'), 1).size(), 403U);
}

}  // namespace
}  // namespace gp::managed
