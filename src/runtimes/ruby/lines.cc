#include "runtimes/ruby/lines.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "bpf/abi/ruby.h"

namespace gp::runtimes::ruby {
namespace {

// struct succ_index_table (iseq.c): 54 positions in words of nine 7-bit counts, then blocks of 512 positions: a rank,
// 9-bit ranks of its words but the first, and 8 words with a bit where an entry begins.
constexpr uint32_t kImmediate = 54;
constexpr uint32_t kAWord = 9;
constexpr uint32_t kBlockPositions = 512;
constexpr uint32_t kBlockBytes = 80;
constexpr uint32_t kBlocksAt = kImmediate / kAWord * 8;
constexpr uint64_t kMaxBytes = 1U << 20U;  // of either table, when the rest is read from the process

uint64_t index_bytes(uint64_t code_size) {
  if (code_size < kImmediate) return (code_size + 8) / kAWord * 8;
  return kBlocksAt + (code_size - kImmediate + kBlockPositions - 1) / kBlockPositions * kBlockBytes;
}

// Which entry a position belongs to, counted from 1; 0 when the index does not reach that far.
uint32_t entry_of(Bytes index, uint32_t position) {
  if (position < kImmediate) {
    const auto word = read_at<uint64_t>(index, position / kAWord * 8);
    return word ? static_cast<uint32_t>(*word >> position % kAWord * 7U & 0x7fU) : 0;
  }
  const uint32_t from = position - kImmediate;
  const uint64_t block = kBlocksAt + uint64_t{from / kBlockPositions} * kBlockBytes;
  const uint32_t word = from % kBlockPositions / 64;
  const auto rank = read_at<uint32_t>(index, block);
  const auto ranks = read_at<uint64_t>(index, block + 8);
  const auto bits = read_at<uint64_t>(index, block + 16 + uint64_t{word} * 8);
  if (!rank || !ranks || !bits) return 0;
  const uint64_t before = word == 0 ? 0 : *ranks >> (word - 1) * 9U & 0x1ffU;
  const int inside = std::popcount(*bits << (63U - from % 64));
  return *rank + static_cast<uint32_t>(before) + static_cast<uint32_t>(inside);
}

// Appends `whole` bytes: what is stored, or all of them from the process when that is less. How many it were.
uint32_t append(std::vector<uint8_t>& out, Bytes stored, uint64_t whole, uint64_t address,
                const targets::MemoryReader* memory) {
  const size_t at = out.size();
  if (stored.size() < whole && whole <= kMaxBytes && memory != nullptr) {
    out.resize(at + whole);
    if (memory->read(Pc{address}, std::span(out).subspan(at))) return static_cast<uint32_t>(whole);
    out.resize(at);
  }
  out.insert(out.end(), stored.begin(), stored.end());
  return static_cast<uint32_t>(stored.size());
}

}  // namespace

std::vector<uint8_t> complete_lines(Bytes table, const targets::MemoryReader* memory) {
  auto head = read_at<gp_ruby_lines>(table, 0).value_or(gp_ruby_lines{});
  const auto index = slice(table, sizeof(head), head.index_stored);
  const auto lines = slice(table, sizeof(head) + uint64_t{head.index_stored}, head.lines_stored);
  if (!index || !lines || head.count == 0) return {};
  std::vector<uint8_t> out(sizeof(head));
  head.index_stored = append(out, *index, head.count > 1 ? index_bytes(head.code_size) : 0, head.index_address, memory);
  head.lines_stored = append(out, *lines, uint64_t{head.count} * head.line_bytes, head.lines_address, memory);
  std::memcpy(out.data(), &head, sizeof(head));
  return out;
}

uint32_t line_at(Bytes table, uint32_t position) {
  const auto head = read_at<gp_ruby_lines>(table, 0);
  if (!head || head->count == 0 || head->line_bytes < sizeof(uint32_t)) return 0;
  const auto index = slice(table, sizeof(*head), head->index_stored);
  if (!index) return 0;
  const Bytes lines = table.subspan(sizeof(*head) + index->size());
  const uint32_t entry = head->count == 1 ? 1 : entry_of(*index, position);
  if (entry == 0 || entry > head->count) return 0;
  // struct iseq_insn_info_entry (vm_core.h, iseq.h) begins with the line.
  return read_at<uint32_t>(lines, uint64_t{entry - 1} * head->line_bytes).value_or(0);
}

}  // namespace gp::runtimes::ruby
