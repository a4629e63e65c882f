#include "walk/row_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "walk/testing/plain_tables.h"

namespace gp::walk {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint32_t kRowsOfAChunk = GP_CHUNK_SIZE / 4 - 4;  // with one rule

class RowPoolTest : public testing::Test {
 protected:
  // Rows that fill so many chunks, told apart by `mark`.
  std::optional<uint64_t> place(uint32_t page, uint32_t chunks, uint64_t now_ns, uint16_t mark = 0) {
    gp_rule rule{};
    rule.cfa_offset = mark;
    std::vector<gp_row> rows(size_t{chunks} * (GP_CHUNK_SIZE / 4) - 4, gp_row{.pc = mark, .rule = 0});
    const auto word = pool_.place(page, {&rule, 1}, rows, now_ns);
    if (word) plain_.tables.pages[page] = *word;
    return word;
  }
  uint64_t word(uint32_t page) { return plain_.tables.pages[page]; }
  const uint32_t* data(uint64_t word) {
    return plain_.tables.segments[GP_PAGE_SEGMENT(word)] + size_t{GP_PAGE_CHUNK(word)} * GP_CHUNK_WORDS;
  }

  PlainTables plain_{{.buckets = 1, .mappings = 1, .files = 1, .pages = 4096, .runtimes = 1}};
  RowPool pool_{&plain_, &plain_.tables, 2 * GP_SEGMENT_SIZE};
};

TEST_F(RowPoolTest, WritesRulesThenRows) {
  std::vector<gp_rule> rules(2);
  rules[1].cfa_op = GP_CFA_ROOT;
  const std::vector<gp_row> rows{{.pc = 1, .rule = 0}, {.pc = 2, .rule = 1}, {.pc = 3, .rule = 0}};
  const auto word = pool_.place(5, rules, rows, 0);
  ASSERT_TRUE(word);
  EXPECT_GE(*word, GP_PAGE_STATES);
  EXPECT_EQ(GP_PAGE_RULES(*word), 2U);
  EXPECT_EQ(GP_PAGE_ROWS(*word), 3U);
  EXPECT_EQ(std::memcmp(data(*word), rules.data(), 32), 0);
  EXPECT_EQ(std::memcmp(data(*word) + 8, rows.data(), 12), 0);
  EXPECT_EQ(pool_.used_bytes(), uint64_t{GP_CHUNK_SIZE});
  EXPECT_EQ(pool_.memory_bytes(), uint64_t{GP_SEGMENT_SIZE});
}

TEST_F(RowPoolTest, RunsDoNotOverlap) {
  std::set<std::pair<uint32_t, uint32_t>> taken;
  for (uint32_t page = 0; page < 600; ++page) {
    const auto word = place(page, 1 + page % 5, 0);
    ASSERT_TRUE(word);
    for (uint32_t i = 0; i < 1 + page % 5; ++i) {
      EXPECT_TRUE(taken.emplace(GP_PAGE_SEGMENT(*word), GP_PAGE_CHUNK(*word) + i).second);
      EXPECT_LT(GP_PAGE_CHUNK(*word) + i, 1024U);
    }
  }
}

TEST_F(RowPoolTest, RefusesWhatAWordCannotSay) {
  const std::vector<gp_rule> rules(8192);
  const std::vector<gp_row> rows(GP_PAGE_SIZE + 1);
  EXPECT_FALSE(pool_.place(0, rules, {rows.data(), 1}, 0));
  EXPECT_FALSE(pool_.place(0, {rules.data(), 1}, rows, 0));
  EXPECT_FALSE(pool_.place(0, {}, {}, 0));
  EXPECT_FALSE(pool_.place(4096, {rules.data(), 1}, {rows.data(), 1}, 0)) << "no such page";
  EXPECT_TRUE(pool_.place(0, {rules.data(), 8191}, {rows.data(), GP_PAGE_SIZE}, 0));
  EXPECT_FALSE(pool_.place(0, {rules.data(), 1}, {rows.data(), 1}, 0)) << "has its rows already";
}

TEST_F(RowPoolTest, StaysInsideItsBudget) {
  uint32_t placed = 0;
  for (uint32_t page = 0; page < 4096; ++page) placed += place(page, 1, page * kMs) ? 1U : 0U;
  EXPECT_EQ(pool_.memory_bytes(), 2 * uint64_t{GP_SEGMENT_SIZE});
  EXPECT_LE(pool_.used_bytes(), pool_.memory_bytes());
  EXPECT_GE(placed, 2048U);
  EXPECT_GT(pool_.evictions(), 0U);
  EXPECT_EQ(pool_.refused(), 4096U - placed);
}

TEST_F(RowPoolTest, EvictsWhatWasUsedLongestAgo) {
  for (uint32_t page = 0; page < 2048; ++page) ASSERT_TRUE(place(page, 1, page * kMs));
  plain_.tables.page_used_ms[3] = 3000;
  const uint64_t now = 3001 * kMs;
  EXPECT_FALSE(place(3000, 1, now)) << "room comes when the grace period is over";
  EXPECT_EQ(pool_.evictions(), 256U) << "an eighth of the pool at once";
  for (uint32_t page = 0; page < 2048; ++page) {
    EXPECT_EQ(word(page) == GP_PAGE_NOT_LOADED, page < 257 && page != 3) << page;
  }
  EXPECT_FALSE(place(3000, 1, now + kGraceNs - 1));
  EXPECT_EQ(pool_.evictions(), 256U) << "what rests already is enough";
  EXPECT_TRUE(place(3000, 1, now + kGraceNs));
}

TEST_F(RowPoolTest, CountsAgeAcrossTheWrapOfMilliseconds) {
  const uint64_t wrap = (uint64_t{1} << 32U) * kMs;  // 49.7 days after boot
  for (uint32_t page = 0; page < 1024; ++page) ASSERT_TRUE(place(page, 1, wrap - 1000 * kMs));
  for (uint32_t page = 1024; page < 2048; ++page) ASSERT_TRUE(place(page, 1, wrap + 10 * kMs));
  for (uint32_t page = 0; page < 100; ++page) plain_.tables.page_used_ms[page] = 15;  // used just now
  place(3000, 1, wrap + 20 * kMs);
  for (uint32_t page = 0; page < 100; ++page) EXPECT_NE(word(page), GP_PAGE_NOT_LOADED) << page;
  for (uint32_t page = 1024; page < 2048; ++page) EXPECT_NE(word(page), GP_PAGE_NOT_LOADED) << page;
}

TEST_F(RowPoolTest, APageUsedWhileWeLookedIsNotOld) {
  for (uint32_t page = 0; page < 2048; ++page) ASSERT_TRUE(place(page, 1, 1000 * kMs));
  plain_.tables.page_used_ms[7] = 2001;  // the reader's clock is a moment ahead of ours
  place(3000, 1, 2000 * kMs);
  EXPECT_NE(word(7), GP_PAGE_NOT_LOADED);
}

TEST_F(RowPoolTest, ReusesARunOnlyAfterTheGracePeriodUnderANewGeneration) {
  const uint64_t first = place(0, 256, 0).value();
  for (uint32_t page = 1; page < 8; ++page) ASSERT_TRUE(place(page, 256, 0));
  plain_.tables.pages[0] = GP_PAGE_NOT_LOADED;
  pool_.release(0, 5);
  EXPECT_EQ(pool_.used_bytes(), 7 * 256 * uint64_t{GP_CHUNK_SIZE});
  EXPECT_FALSE(place(8, 256, 5 + kGraceNs - 1));
  EXPECT_EQ(pool_.evictions(), 0U);
  const auto second = place(8, 256, 5 + kGraceNs);
  ASSERT_TRUE(second);
  EXPECT_EQ(first & 0xffffffffffffU, *second & 0xffffffffffffU) << "the same place";
  EXPECT_NE(first, *second);
}

TEST_F(RowPoolTest, GenerationsAreNeverZero) {
  for (uint32_t i = 0; i < 70'000; ++i) {
    const uint64_t now = i * kGraceNs;
    ASSERT_NE(place(0, 1, now).value() >> 48U, 0U);
    pool_.release(0, now);
  }
  EXPECT_EQ(pool_.used_bytes(), 0U);
  EXPECT_EQ(pool_.memory_bytes(), uint64_t{GP_SEGMENT_SIZE});
}

TEST_F(RowPoolTest, GivesBackTheSegmentUsedLongestAgo) {
  for (uint32_t page = 0; page < 2048; ++page) ASSERT_TRUE(place(page, 1, 1000 * kMs));
  ASSERT_EQ(pool_.segments(), 2U);
  const uint32_t used = GP_PAGE_SEGMENT(word(100));
  plain_.tables.page_used_ms[100] = 2000;
  pool_.vacate(1, 3000 * kMs);
  for (uint32_t page = 0; page < 2048; ++page) {
    EXPECT_EQ(word(page) != GP_PAGE_NOT_LOADED, page / 1024 == 100 / 1024) << page;
  }
  EXPECT_EQ(pool_.give_back(3000 * kMs + kGraceNs - 1), 0U) << "a walk may still be in there";
  EXPECT_EQ(pool_.give_back(3000 * kMs + kGraceNs), 1U);
  EXPECT_EQ(pool_.memory_bytes(), uint64_t{GP_SEGMENT_SIZE});
  EXPECT_EQ(plain_.tables.segments[1 - used], nullptr);
  // Its slot serves again.
  ASSERT_TRUE(place(3000, 1, 4000 * kMs));
  EXPECT_EQ(pool_.segments(), 2U);
  EXPECT_EQ(GP_PAGE_SEGMENT(word(3000)), 1 - used);
}

TEST_F(RowPoolTest, KeepsOneSegmentAndWhatIsInUse) {
  ASSERT_TRUE(place(1, 1, 0));
  pool_.vacate(0, 1000 * kMs);
  EXPECT_NE(word(1), GP_PAGE_NOT_LOADED);
  EXPECT_EQ(pool_.give_back(2000 * kMs), 0U);
  pool_.release(1, 2000 * kMs);
  EXPECT_EQ(pool_.give_back(3000 * kMs), 1U) << "nothing in it";
  EXPECT_EQ(pool_.memory_bytes(), 0U);
}

TEST_F(RowPoolTest, EvictsInsteadOfGrowingWhileThatIsRefused) {
  pool_.refuse_growth(true);
  for (uint32_t page = 0; page < 1024; ++page) ASSERT_TRUE(place(page, 1, page * kMs));
  EXPECT_FALSE(place(1024, 1, 2000 * kMs));
  EXPECT_EQ(pool_.segments(), 1U);
  EXPECT_EQ(pool_.evictions(), 128U);
  pool_.refuse_growth(false);
  EXPECT_TRUE(place(1024, 1, 2000 * kMs));
  EXPECT_EQ(pool_.segments(), 2U);
}

TEST_F(RowPoolTest, ShrinksOnRequest) {
  for (uint32_t page = 0; page < 100; ++page) ASSERT_TRUE(place(page, 2, page * kMs));
  pool_.shrink(10 * GP_CHUNK_SIZE, 200 * kMs);
  EXPECT_EQ(pool_.used_bytes(), 190 * uint64_t{GP_CHUNK_SIZE});
  EXPECT_EQ(word(4), GP_PAGE_NOT_LOADED);
  EXPECT_NE(word(5), GP_PAGE_NOT_LOADED);
  pool_.shrink(UINT64_MAX, 200 * kMs);
  EXPECT_EQ(pool_.used_bytes(), 0U);
}

TEST_F(RowPoolTest, LivesWithASegmentItCannotHave) {
  plain_.refuse_segments = true;
  EXPECT_FALSE(place(0, 1, 0));
  EXPECT_EQ(pool_.memory_bytes(), 0U);
  plain_.refuse_segments = false;
  EXPECT_TRUE(place(0, 1, 0));
  pool_.release(99, 0);  // never placed
}

TEST_F(RowPoolTest, BudgetsAreWholeSegments) {
  RowPool least(&plain_, &plain_.tables, 0);
  const gp_rule rule{};
  const std::vector<gp_row> rows(kRowsOfAChunk);
  for (uint32_t page = 0; page < 1024; ++page) ASSERT_TRUE(least.place(page, {&rule, 1}, rows, 0));
  EXPECT_FALSE(least.place(1024, {&rule, 1}, rows, 0));
  EXPECT_EQ(least.memory_bytes(), uint64_t{GP_SEGMENT_SIZE});
}

}  // namespace
}  // namespace gp::walk
