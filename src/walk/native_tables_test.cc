// The tables that the native step looks rules up in: what is missing, outside, or at an edge.
#include "walk/testing/native_walk.h"

namespace gp::walk {
namespace {

using NativeTablesTest = NativeWalkerTest;

TEST_F(NativeTablesTest, SaysWhatIsMissing) {
  world_.words = {kRoot};
  world_.rule(0, rsp_rule(8));
  world_.load();
  gp_file& file = world_.plain.tables.files[0];
  uint64_t& page = world_.plain.tables.pages[0];
  const uint64_t loaded = page;
  const auto end = [this] { return world_.walk().end; };

  page = GP_PAGE_NOT_LOADED;
  EXPECT_EQ(end(), GP_END_PAGE_MISSING);
  EXPECT_EQ(world_.walk().missing_pc, at(0));
  page = GP_PAGE_UNREADABLE;
  EXPECT_EQ(end(), GP_END_PAGE_UNREADABLE);
  page = loaded;
  file.state = GP_FILE_NOT_LOADED;
  EXPECT_EQ(end(), GP_END_PAGE_MISSING);
  file.state = GP_FILE_UNREADABLE;
  EXPECT_EQ(end(), GP_END_PAGE_UNREADABLE);
  file.state = GP_FILE_LOADED;
  EXPECT_EQ(end(), GP_END_ROOT);
  world_.mappings[0].file = 1000;
  EXPECT_EQ(end(), GP_END_NO_MAPPING);
  world_.mappings.clear();
  EXPECT_EQ(end(), GP_END_NO_MAPPING);
}

TEST_F(NativeTablesTest, CodeOutsideTheDirectoryHasNoRules) {
  world_.registers.valid &= ~(1U << GP_REG_RBP);
  world_.load();
  world_.mappings[0].offset = uint64_t{StackWorld::kFilePages} << GP_PAGE_SHIFT;
  EXPECT_EQ(world_.walk().end, GP_END_NO_RULE);
  world_.plain.tables.files[0].page_base = 1000;  // the pc lies before it
  EXPECT_EQ(world_.walk().end, GP_END_NO_RULE);
  world_.plain.tables.files[0] = {.page_first = 0xffffff00,
                                  .page_count = 1U << 30U,
                                  .page_base = 0,
                                  .runtime = 0,
                                  .state = GP_FILE_LOADED,
                                  .reserved = 0,
                                  .eval = {}};
  EXPECT_EQ(world_.walk().end, GP_END_NO_RULE);
}

TEST_F(NativeTablesTest, PlacesOutsideASegmentAreMissing) {
  world_.load();
  uint64_t& page = world_.plain.tables.pages[0];
  const uint64_t rows = uint64_t{1000} << 18U;
  page = 63 | rows | uint64_t{1} << 48U;  // no such segment
  EXPECT_EQ(world_.walk().end, GP_END_PAGE_MISSING);
  page = 200 | rows | uint64_t{1} << 48U;  // beyond all segments
  EXPECT_EQ(world_.walk().end, GP_END_PAGE_MISSING);
  page = uint64_t{1023} << 8U | rows | uint64_t{1} << 48U;  // rows run over the segment's end
  EXPECT_EQ(world_.walk().end, GP_END_PAGE_MISSING);
  page = 1 << 8U | uint64_t{1} << 18U | uint64_t{1} << 48U;  // one row; its rule lies outside
  *(world_.plain.tables.segments[0] + GP_CHUNK_WORDS) = 0xffff0000U;
  EXPECT_EQ(world_.walk().end, GP_END_PAGE_MISSING);
}

TEST_F(NativeTablesTest, FindsEveryMappingByItsEdges) {
  world_.mappings.clear();
  for (uint32_t i = 0; i < GP_MAPPINGS_PER_PROCESS; ++i) {
    const uint64_t start = 0x10000 + uint64_t{i} * 0x3000;
    world_.mappings.push_back({.start = start, .end = start + 0x1000, .offset = 0, .file = GP_NO_FILE, .flags = 0});
  }
  world_.registers.value[GP_REG_RBP] = 0;
  world_.load();
  const auto end_at = [this](uint64_t pc, uint32_t is_return) {
    world_.registers.value[GP_REG_RIP] = pc;
    world_.registers.is_return = is_return;
    return world_.walk().end;
  };
  for (const gp_mapping& mapping : world_.mappings) {
    ASSERT_EQ(end_at(mapping.start, 0), GP_END_ROOT);
    ASSERT_EQ(end_at(mapping.end - 1, 0), GP_END_ROOT);
    ASSERT_EQ(end_at(mapping.end, 1), GP_END_ROOT) << "a call may be a mapping's last instruction";
    ASSERT_EQ(end_at(mapping.start, 1), GP_END_NO_MAPPING);
    ASSERT_EQ(end_at(mapping.end, 0), GP_END_NO_MAPPING);
  }
  EXPECT_EQ(end_at(0, 0), GP_END_NO_MAPPING);
  EXPECT_EQ(end_at(0, 1), GP_END_NO_MAPPING);
  EXPECT_EQ(end_at(UINT64_MAX, 0), GP_END_NO_MAPPING);
}

TEST_F(NativeTablesTest, FindsEveryRowOfTheLongestTable) {
  gp_rule odd = rsp_rule(8);
  gp_rule even = rsp_rule(16);
  for (uint32_t pc = 0; pc < GP_PAGE_SIZE; ++pc) world_.rule(GP_PAGE_SIZE + pc, pc % 2 == 1 ? odd : even);
  world_.words = {kRoot, at(0x120)};
  world_.load();
  for (uint32_t pc = 0; pc < GP_PAGE_SIZE; ++pc) {
    world_.registers.value[GP_REG_RIP] = at(GP_PAGE_SIZE + pc);
    const auto walked = world_.walk();
    ASSERT_EQ(walked.frames.size(), 2U);
    ASSERT_EQ(walked.frames[1].value, pc % 2 == 1 ? 0x110U : 0x120U) << pc;
  }
}

TEST_F(NativeTablesTest, CodeBeforeTheFirstRowHasNoRule) {
  world_.rule(GP_PAGE_SIZE + 8, rsp_rule(8));
  world_.registers.value[GP_REG_RBP] = 0;
  world_.registers.value[GP_REG_RIP] = at(GP_PAGE_SIZE + 7);
  const auto walked = world_.load_and_walk();
  EXPECT_EQ(walked.end, GP_END_ROOT);
  EXPECT_EQ(walked.frames[0].flags, GP_FRAME_GUESSED);
}

// Whatever the copy's length, its last word can be read and the one behind it cannot.
TEST_F(NativeTablesTest, ReadsUpToTheEndOfTheCopy) {
  for (size_t count = 1; count < 1200; ++count) {
    world_.words.assign(count, 1);
    world_.words.back() = kRoot;
    world_.rule(0, rsp_rule(static_cast<int32_t>(8 * count)));
    ASSERT_EQ(world_.load_and_walk().end, GP_END_ROOT) << count;
    world_.rule(0, rsp_rule(static_cast<int32_t>(8 * count + 8)));
    ASSERT_EQ(world_.load_and_walk().end, GP_END_STACK_READ) << count;
  }
}

}  // namespace
}  // namespace gp::walk
