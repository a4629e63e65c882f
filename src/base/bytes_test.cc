#include "base/bytes.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace gp {
namespace {

TEST(ByteReader, ReadsLebNumbers) {
  const std::array<uint8_t, 7> bytes{0xe5, 0x8e, 0x26, 0x9b, 0xf1, 0x59, 0x7f};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.uleb128(), 624485U);
  EXPECT_EQ(reader.sleb128(), -624485);
  EXPECT_EQ(reader.sleb128(), -1);
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, FailsForGoodPastTheEnd) {
  const std::array<uint8_t, 3> bytes{1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.read<uint32_t>(), 0U);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.read<uint8_t>(), 0U);
}

TEST(ByteReader, RefusesEndlessLeb) {
  const std::vector<uint8_t> bytes(100, 0x80);
  ByteReader reader(bytes);
  EXPECT_EQ(reader.uleb128(), 0U);
  EXPECT_FALSE(reader.ok());
}

TEST(Slice, RefusesOverflow) {
  const std::array<uint8_t, 4> bytes{1, 2, 3, 0};
  EXPECT_FALSE(slice(bytes, 2, ~uint64_t{0}));
  EXPECT_FALSE(slice(bytes, ~uint64_t{0}, 1));
  EXPECT_EQ(slice(bytes, 1, 3)->size(), 3U);
  EXPECT_FALSE(string_at(bytes, 4));
  EXPECT_EQ(string_at(bytes, 1)->size(), 2U);
}

}  // namespace
}  // namespace gp
