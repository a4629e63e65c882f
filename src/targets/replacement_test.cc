#include "targets/replacement.h"

#include <gtest/gtest.h>

#include <memory>

namespace gp::targets {
namespace {

std::shared_ptr<CodeFile> file(uint32_t slot) {
  auto made = std::make_shared<CodeFile>();
  made->slot = slot;
  return made;
}

class ReplacementsTest : public testing::Test {
 protected:
  void map(uint64_t start, uint64_t end, uint64_t offset, const std::shared_ptr<CodeFile>& file, uint64_t time_ns) {
    const Mapping mapping{.start = start, .end = end, .offset = offset, .file = file};
    replacements_.note(table_, mapping, time_ns);
    put_mapping(table_, mapping);
  }
  gp_frame corrected(uint64_t time_ns, uint32_t slot, uint64_t value, uint8_t flags = 0) {
    gp_frame frame{.kind = GP_FRAME_NATIVE, .flags = flags, .cookie = 0, .extra = slot, .value = value};
    replacements_.correct(time_ns, {&frame, 1});
    return frame;
  }

  const std::shared_ptr<CodeFile> old_ = file(1);
  const std::shared_ptr<CodeFile> new_ = file(2);
  MappingTable table_;
  Replacements replacements_;
};

TEST_F(ReplacementsTest, CorrectsWhatWasWalkedBeforeTheTableShowedIt) {
  map(0x1000, 0x3000, 0x500, old_, 10);
  EXPECT_FALSE(replacements_.concern(11));
  map(0x2000, 0x4000, 0x9000, new_, 20);
  EXPECT_TRUE(replacements_.concern(25));
  EXPECT_EQ(corrected(25, 1, 0x1510).extra, 2U);  // at 0x2010
  EXPECT_EQ(corrected(25, 1, 0x1510).value, 0x9010U);
  EXPECT_EQ(corrected(25, 1, 0x1500, GP_FRAME_RETURN_ADDRESS).extra, 1U) << "the call is below it";
  EXPECT_EQ(corrected(25, 1, 0x510).extra, 1U) << "that part is still there";
  EXPECT_EQ(corrected(25, 3, 0x1510).extra, 3U);
  EXPECT_EQ(corrected(19, 1, 0x1510).extra, 1U) << "it was there then";
  replacements_.shown(30);
  EXPECT_EQ(corrected(29, 1, 0x1510).extra, 2U);
  EXPECT_EQ(corrected(31, 1, 0x1510).extra, 1U) << "mapped somewhere else since";
}

TEST_F(ReplacementsTest, FollowsWhatWasReplacedTwiceBeforeTheTableShowedIt) {
  map(0x1000, 0x2000, 0, old_, 10);
  map(0x1000, 0x2000, 0x100, new_, 20);
  map(0x1000, 0x2000, 0, old_, 30);
  EXPECT_EQ(corrected(25, 1, 0x10).extra, 2U);
  EXPECT_EQ(corrected(35, 1, 0x10).extra, 1U);
  EXPECT_EQ(corrected(35, 1, 0x10).value, 0x10U);
}

TEST_F(ReplacementsTest, TellsWhatWasMappedBefore) {
  map(0x1000, 0x2000, 0x500, old_, 10);
  map(0x1000, 0x2000, 0x100, new_, 20);
  map(0x1000, 0x2000, 0x500, old_, 30);
  const gp_mapping now{.start = 0x1000, .end = 0x2000, .offset = 0x500, .file = 1, .flags = 0};
  EXPECT_FALSE(replacements_.before(30, {&now, 1}).has_value());
  const auto second = replacements_.before(25, {&now, 1});
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->at(0).file, 2U);
  EXPECT_EQ(second->at(0).offset, 0x100U);
  const auto first = replacements_.before(15, {&now, 1});
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->at(0).file, 1U);
  EXPECT_EQ(first->at(0).offset, 0x500U);
}

TEST_F(ReplacementsTest, KeepsTheLastFew) {
  constexpr uint64_t kTimes = 3 * Replacements::kKept;
  map(0x1000, 0x2000, 0, old_, 1);
  for (uint64_t i = 2; i <= kTimes; ++i) map(0x1000, 0x2000, 0, i % 2 == 0 ? new_ : old_, i);
  EXPECT_TRUE(replacements_.concern(kTimes));
  EXPECT_FALSE(replacements_.concern(kTimes - Replacements::kKept));
  replacements_.clear();
  EXPECT_FALSE(replacements_.concern(kTimes));
}

}  // namespace
}  // namespace gp::targets
