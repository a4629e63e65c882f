#include "elf/line_info.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gp::elf {
namespace {

// The address of the call, by way of what it returns to.
[[gnu::noinline]] uint64_t here() { return reinterpret_cast<uint64_t>(__builtin_return_address(0)) - 1; }

struct Place {
  uint64_t pc = 0;
  uint32_t line = 0;
  uint32_t call_line = 0;
};

[[gnu::always_inline]] inline void innermost(Place& place) {
  place.pc = here(), place.line = __LINE__;
  asm volatile("" ::: "memory");
}
[[gnu::always_inline]] inline void middle(Place& place) { innermost(place), place.call_line = __LINE__; }
[[gnu::noinline]] Place outermost() {
  Place place;
  middle(place);
  return place;
}

Vaddr vaddr_of(uint64_t pc) {
  Dl_info info{};
  EXPECT_NE(dladdr(reinterpret_cast<void*>(pc), &info), 0);
  return {pc - reinterpret_cast<uint64_t>(info.dli_fbase)};  // an ET_DYN file begins at vaddr 0
}

TEST(LineInfo, ExpandsInlinedFunctions) {
  const auto image = Image::open("/proc/self/exe");
  ASSERT_TRUE(image);
  auto info = LineInfo::open(*image);
  ASSERT_TRUE(info) << info.error().message();
  const Place place = outermost();
  const auto frames = info->lookup(vaddr_of(place.pc));
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_THAT(frames[0].function, testing::HasSubstr("outermost"));
  EXPECT_FALSE(frames[0].inlined);
  EXPECT_THAT(frames[1].function, testing::HasSubstr("middle"));
  EXPECT_EQ(frames[1].line, place.call_line);
  EXPECT_TRUE(frames[1].inlined);
  EXPECT_THAT(frames[2].function, testing::HasSubstr("innermost"));
  EXPECT_EQ(frames[2].line, place.line);
  EXPECT_THAT(frames[2].file, testing::EndsWith("line_info_test.cc"));
  EXPECT_GT(info->memory_bytes(), 0U);
}

TEST(LineInfo, KnowsNothingOfOtherAddresses) {
  const auto image = Image::open("/proc/self/exe");
  auto info = LineInfo::open(*image);
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->lookup({0}).empty());
  EXPECT_TRUE(info->lookup({UINT64_MAX}).empty());
}

TEST(LineInfo, SaysWhenThereIsNone) {
  const auto image = Image::open("/proc/self/exe");
  auto copy = std::vector<uint8_t>(image->bytes().begin(), image->bytes().begin() + 0x1000);
  const auto cut = Image::from_memory(std::move(copy));
  ASSERT_TRUE(cut);
  EXPECT_EQ(LineInfo::open(*cut).error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace gp::elf
