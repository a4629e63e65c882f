#include "runtimes/python/debug_offsets.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace gp::runtimes::python {
namespace {

constexpr size_t kCodeStart313 = 42;
constexpr size_t kCodeStart314 = 47;

// A description as that version has it, all offsets zero but those that must not be.
std::vector<uint8_t> description(uint64_t version = 0x030d00f0, size_t code_start = kCodeStart313) {
  std::vector<uint8_t> bytes(kDebugOffsetsBytes);
  std::memcpy(bytes.data(), "xdebugpy", 8);
  const auto put = [&bytes](size_t word, uint64_t value) { std::memcpy(&bytes[8 + word * 8], &value, 8); };
  put(0, version);
  put(code_start == kCodeStart313 ? 31 : 34, 80);  // the frame's length
  put(code_start, 200);
  put(71, 8);
  return bytes;
}

TEST(DebugOffsets, ChecksWhatItReads) {
  EXPECT_TRUE(read_debug_offsets(description()));
  for (size_t size = 0; size < kDebugOffsetsBytes; size += 7)
    EXPECT_FALSE(read_debug_offsets(Bytes(description()).first(size)));

  const auto with = [](size_t word, uint64_t value) {
    auto bytes = description();
    std::memcpy(&bytes[8 + word * 8], &value, 8);
    return read_debug_offsets(bytes);
  };
  EXPECT_EQ(with(0, 0x030f00a0).error().code(), ErrorCode::kUnsupported);  // 3.15
  EXPECT_EQ(with(23, 164).error().code(), ErrorCode::kMalformed);          // across the end of what is read
  EXPECT_EQ(with(23, 12).error().code(), ErrorCode::kMalformed);           // not aligned
  EXPECT_EQ(with(35, UINT64_MAX).error().code(), ErrorCode::kMalformed);
  EXPECT_EQ(with(kCodeStart313, 8).error().code(), ErrorCode::kMalformed);  // code begins inside its header
  auto bytes = description();
  bytes[0] = 'y';
  EXPECT_EQ(read_debug_offsets(bytes).error().code(), ErrorCode::kMalformed);
}

TEST(DebugOffsets, ReadsEachVersionByItsOwnTable) {
  const auto python = read_debug_offsets(description(0x030e00f0, kCodeStart314));
  ASSERT_TRUE(python);
  EXPECT_EQ(python->version, 0x030e);
  EXPECT_EQ(python->code_start, 200);
  EXPECT_FALSE(read_debug_offsets(description(0x030e00f0, kCodeStart313)));
}

TEST(DebugOffsets, KnowsBuildsWithoutLock) {
  auto bytes = description();
  EXPECT_FALSE(is_free_threaded(bytes));
  EXPECT_NE(read_debug_offsets(bytes)->collecting, 0U);
  bytes[8 + 8] = 1;
  EXPECT_TRUE(is_free_threaded(bytes));
  const auto python = read_debug_offsets(bytes);
  ASSERT_TRUE(python);
  EXPECT_EQ(python->collecting, 0U);
  EXPECT_GT(python->code_bytes, read_debug_offsets(description())->code_bytes);
}

}  // namespace
}  // namespace gp::runtimes::python
