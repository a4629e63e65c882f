#include "runtimes/ruby/lines.h"

#include <gtest/gtest.h>

#include <cstring>

#include "bpf/abi/ruby.h"

namespace gp::runtimes::ruby {
namespace {

// A table as the walker stores it: an entry begins at each of `starts` and has line 10, 20, 30, …
std::vector<uint8_t> table_of(const std::vector<uint32_t>& starts, uint32_t code_size, uint16_t line_bytes) {
  std::vector<uint64_t> index(6 + (code_size + 511) / 512 * 10);
  const auto entries_until = [&](uint32_t position) {
    uint64_t count = 0;
    for (const uint32_t start : starts) count += start <= position ? 1 : 0;
    return count;
  };
  for (uint32_t at = 0; at < 54; ++at) index[at / 9] |= entries_until(at) << at % 9 * 7;
  for (uint32_t block = 0; 54 + block * 512 < code_size; ++block) {
    uint64_t* words = &index[6 + block * 10];
    const uint32_t first = 54 + block * 512;
    const uint64_t rank = entries_until(first - 1);
    words[0] = rank;
    for (uint32_t word = 1; word < 8; ++word)
      words[1] |= (entries_until(first + word * 64 - 1) - rank) << (word - 1) * 9;
    for (const uint32_t start : starts)
      if (start >= first && start < first + 512) words[2 + (start - first) / 64] |= uint64_t{1} << (start - first) % 64;
  }
  gp_ruby_lines head{};
  head.code_size = code_size;
  head.count = static_cast<uint32_t>(starts.size());
  head.line_bytes = line_bytes;
  head.index_stored = static_cast<uint32_t>(index.size() * 8);
  head.lines_stored = head.count * line_bytes;
  std::vector<uint8_t> out(sizeof(head) + head.index_stored + head.lines_stored);
  std::memcpy(out.data(), &head, sizeof(head));
  std::memcpy(out.data() + sizeof(head), index.data(), head.index_stored);
  for (uint32_t i = 0; i < head.count; ++i) {
    const uint32_t line = 10 * (i + 1);
    std::memcpy(out.data() + sizeof(head) + head.index_stored + i * line_bytes, &line, sizeof(line));
  }
  return out;
}

TEST(RubyLines, EveryPositionHasTheLineOfItsEntry) {
  const std::vector<uint32_t> starts = {0, 1, 5, 53, 54, 55, 117, 118, 300, 565, 566, 1000, 1078, 1500};
  for (const uint16_t line_bytes : {uint16_t{8}, uint16_t{12}}) {
    const auto table = table_of(starts, 1600, line_bytes);
    uint32_t entry = 0;
    for (uint32_t position = 0; position < 1600; ++position) {
      while (entry < starts.size() && starts[entry] <= position) ++entry;
      EXPECT_EQ(line_at(table, position), 10 * entry) << position;
    }
    EXPECT_EQ(line_at(table, 100000), 0U);
  }
}

TEST(RubyLines, BrokenTablesHaveNoLines) {
  auto table = table_of({0, 7}, 20, 8);
  EXPECT_EQ(line_at(table, 8), 20U);
  for (size_t size = 0; size + 1 < table.size(); ++size) {
    static_cast<void>(line_at(Bytes(table).first(size), 8));
    static_cast<void>(complete_lines(Bytes(table).first(size), nullptr));
  }
  EXPECT_EQ(line_at(Bytes(table).first(sizeof(gp_ruby_lines)), 8), 0U);
  EXPECT_TRUE(complete_lines(Bytes(table).first(sizeof(gp_ruby_lines)), nullptr).empty());
}

// What did not fit in a record is read from the process.
TEST(RubyLines, TheRestComesFromTheProcess) {
  const auto whole = table_of({0, 1, 5, 53, 54, 300}, 566, 12);
  struct Memory final : targets::MemoryReader {
    Bytes bytes;
    bool read(Pc address, std::span<uint8_t> to) const override {
      const auto part = slice(bytes, address.value, to.size());
      if (part) std::memcpy(to.data(), part->data(), to.size());
      return part.has_value();
    }
  } memory;
  memory.bytes = whole;
  auto head = read_at<gp_ruby_lines>(whole, 0).value();
  head.index_address = sizeof(head);
  head.lines_address = sizeof(head) + head.index_stored;
  head.index_stored = 8;
  head.lines_stored = 12;
  std::vector<uint8_t> cut(sizeof(head) + 8 + 12);
  std::memcpy(cut.data(), &head, sizeof(head));
  std::memcpy(cut.data() + sizeof(head), whole.data() + sizeof(head), 8);
  std::memcpy(cut.data() + sizeof(head) + 8, whole.data() + head.lines_address, 12);
  EXPECT_EQ(line_at(complete_lines(cut, nullptr), 0), 10U);
  EXPECT_EQ(line_at(complete_lines(cut, nullptr), 400), 0U);
  EXPECT_EQ(line_at(complete_lines(cut, &memory), 0), 10U);
  EXPECT_EQ(line_at(complete_lines(cut, &memory), 400), 60U);
}

}  // namespace
}  // namespace gp::runtimes::ruby
