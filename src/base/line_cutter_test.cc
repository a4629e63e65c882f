#include "base/line_cutter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace gp {
namespace {

std::vector<std::string> cut(const std::vector<std::string>& chunks, size_t limit, uint64_t* oversized = nullptr) {
  std::vector<std::string> lines;
  LineCutter cutter(limit, [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  for (const auto& chunk : chunks) cutter.feed(chunk);
  cutter.finish();
  if (oversized != nullptr) *oversized = cutter.oversized();
  return lines;
}

TEST(LineCutter, JoinsLinesAcrossChunks) {
  EXPECT_THAT(cut({"one\ntw", "o", "\n\nthree"}, 100), testing::ElementsAre("one", "two", "", "three"));
}

TEST(LineCutter, DropsOversizedLinesWhereverTheyAreCut) {
  uint64_t oversized = 0;
  EXPECT_THAT(cut({"aaaaaa\nb\ncc", "cc", "c\nd"}, 4, &oversized), testing::ElementsAre("b", "d"));
  EXPECT_EQ(oversized, 2U);
}

TEST(LineCutter, StopsWhenToldTo) {
  int seen = 0;
  LineCutter cutter(10, [&](std::string_view) { return ++seen < 2; });
  EXPECT_FALSE(cutter.feed("a\nb\nc\n"));
  EXPECT_EQ(seen, 2);
}

}  // namespace
}  // namespace gp
