#include "elf/row_builder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/hash.h"

namespace gp::elf {
namespace {

constexpr size_t kSlots = 16384;  // a power of two, above twice kMaxRules

uint64_t hash_of(const gp_rule& rule) {
  const auto parts = std::bit_cast<std::array<uint64_t, 2>>(rule);
  return hash_mix(parts[0], parts[1]);
}

bool same(const gp_rule& a, const gp_rule& b) { return std::memcmp(&a, &b, sizeof(gp_rule)) == 0; }

}  // namespace

RowBuilder::RowBuilder() : slots_(kSlots) {}

void RowBuilder::start() {
  page_.rules.assign(1, gp_rule{});
  page_.rows.clear();
  page_.unrepresented = 0;
  page_.malformed = 0;
  std::ranges::fill(slots_, uint16_t{0});
}

void RowBuilder::add(uint32_t pc, const gp_rule& rule) { append(pc, rule_index(rule)); }

uint16_t RowBuilder::rule_index(const gp_rule& rule) {
  if (rule.cfa_op == GP_CFA_NONE) return 0;
  size_t slot = hash_of(rule) % kSlots;
  for (; slots_[slot] != 0; slot = (slot + 1) % kSlots)
    if (same(page_.rules[slots_[slot]], rule)) return slots_[slot];
  if (page_.rules.size() >= kMaxRules) {
    ++page_.unrepresented;
    return 0;
  }
  slots_[slot] = static_cast<uint16_t>(page_.rules.size());
  page_.rules.push_back(rule);
  return slots_[slot];
}

void RowBuilder::append(uint32_t pc, uint16_t rule) {
  GP_CHECK(pc < GP_PAGE_SIZE && (page_.rows.empty() || pc >= page_.rows.back().pc));
  auto& rows = page_.rows;
  if (!rows.empty() && rows.back().pc == pc) rows.pop_back();
  const uint16_t before = rows.empty() ? uint16_t{0} : rows.back().rule;  // nothing ahead of the first row: no rule
  if (before != rule) rows.push_back({static_cast<uint16_t>(pc), rule});
}

UnwindPage RowBuilder::finish() {
  if (page_.rows.empty()) page_.rules.clear();
  return page_;
}

}  // namespace gp::elf
