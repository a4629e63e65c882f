#include "targets/mapping_table.h"

#include <gtest/gtest.h>

#include <random>
#include <tuple>
#include <vector>

#include "bpf/abi/tables.h"

namespace gp::targets {
namespace {

// start, end, offset
using Row = std::tuple<uint64_t, uint64_t, uint64_t>;

std::vector<Row> rows(const MappingTable& table) {
  std::vector<Row> all;
  for (const auto& [start, mapping] : table) {
    EXPECT_EQ(start, mapping.start);
    all.emplace_back(mapping.start, mapping.end, mapping.offset);
  }
  return all;
}

class MappingTableTest : public testing::Test {
 protected:
  void put(uint64_t start, uint64_t end, uint64_t offset) {
    EXPECT_TRUE(put_mapping(table_, {.start = start, .end = end, .offset = offset, .file = nullptr}));
  }
  MappingTable table_;
};

TEST_F(MappingTableTest, KeepsNeighbours) {
  put(10, 20, 100);
  put(20, 30, 200);
  put(5, 10, 300);
  EXPECT_EQ(rows(table_), (std::vector<Row>{{5, 10, 300}, {10, 20, 100}, {20, 30, 200}}));
}

TEST_F(MappingTableTest, ReplacesWhatLiesUnderIt) {
  put(10, 20, 100);
  put(20, 30, 200);
  put(40, 50, 300);
  put(10, 30, 400);
  EXPECT_EQ(rows(table_), (std::vector<Row>{{10, 30, 400}, {40, 50, 300}}));
  put(0, 100, 500);
  EXPECT_EQ(rows(table_), (std::vector<Row>{{0, 100, 500}}));
}

TEST_F(MappingTableTest, CutsOverlappingEnds) {
  put(10, 20, 100);
  put(30, 40, 200);
  put(15, 35, 300);
  EXPECT_EQ(rows(table_), (std::vector<Row>{{10, 15, 100}, {15, 35, 300}, {35, 40, 205}}));
}

TEST_F(MappingTableTest, SplitsWhatSurroundsIt) {
  put(10, 40, 100);
  put(20, 30, 0);
  EXPECT_EQ(rows(table_), (std::vector<Row>{{10, 20, 100}, {20, 30, 0}, {30, 40, 120}}));
  put(10, 11, 7);
  put(39, 40, 8);
  EXPECT_EQ(rows(table_), (std::vector<Row>{{10, 11, 7}, {11, 20, 101}, {20, 30, 0}, {30, 39, 120}, {39, 40, 8}}));
}

// Against one byte after the other.
TEST_F(MappingTableTest, AgreesWithAMapOfBytes) {
  std::mt19937 random(1);
  std::vector<uint64_t> truth(200, UINT64_MAX);
  for (uint64_t i = 0; i < 5000; ++i) {
    const uint64_t start = random() % 190;
    const uint64_t end = start + 1 + random() % (200 - start - 1);
    put(start, end, i * 1000);
    for (uint64_t at = start; at < end; ++at) truth[at] = i * 1000 + (at - start);
    for (uint64_t at = 0; at < truth.size(); ++at) {
      const auto after = table_.upper_bound(at);
      const bool inside = after != table_.begin() && at < std::prev(after)->second.end;
      ASSERT_EQ(inside, truth[at] != UINT64_MAX);
      if (inside) {
        const Mapping& mapping = std::prev(after)->second;
        ASSERT_EQ(mapping.offset + (at - mapping.start), truth[at]);
      }
    }
  }
}

TEST_F(MappingTableTest, AFullTableNeverKeepsWhatWasMappedOver) {
  for (uint64_t i = 0; i < GP_MAPPINGS_PER_PROCESS; ++i) put(i * 100, i * 100 + 50, 0);
  EXPECT_FALSE(put_mapping(table_, {.start = 10, .end = 20, .offset = 77, .file = nullptr}));
  EXPECT_EQ(table_.size(), size_t{GP_MAPPINGS_PER_PROCESS});
  EXPECT_EQ(table_.at(0).end, 10U);
  EXPECT_EQ(table_.at(10).offset, 77U);
  EXPECT_EQ(table_.at(20).end, 50U);
  put(0, 50, 1);
  EXPECT_EQ(table_.at(0).end, 50U);
}

TEST_F(MappingTableTest, AFullTableKeepsWhatItHas) {
  for (uint64_t i = 0; i < GP_MAPPINGS_PER_PROCESS; ++i) put(1000 + i * 100, 1000 + i * 100 + 50, 0);
  const uint64_t last = table_.rbegin()->first;
  EXPECT_FALSE(put_mapping(table_, {.start = 10, .end = 20, .offset = 0, .file = nullptr}));
  EXPECT_EQ(table_.begin()->first, 1000U);
  EXPECT_EQ(table_.rbegin()->first, last);
}

}  // namespace
}  // namespace gp::targets
