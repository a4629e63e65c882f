// Collects the unwind rows and rules of one page.
#pragma once

#include <cstdint>
#include <vector>

#include "bpf/abi/unwind.h"

namespace gp::elf {

// Rows and rules of one 64 KiB page of file offsets, as bpf/abi/unwind.h defines them. No rows: nothing in
// the page has a rule. rules[0] is the "no rule here" rule in pages that have any.
struct UnwindPage {
  std::vector<gp_rule> rules;
  std::vector<gp_row> rows;
  uint32_t unrepresented = 0;  // rows that lost something: a rule, or the place of a callee-saved register
  uint32_t malformed = 0;      // functions whose information is broken or not understood
};

// A page has at most this many rules: what the directory word can count.
inline constexpr uint32_t kMaxRules = 8191;

// Owner thread: one at a time; its buffers are reused from page to page.
class RowBuilder {
 public:
  RowBuilder();

  // Starts a page; forgets what was collected.
  void start();
  // From `pc` (offset in the page, not below the last one) on, `rule` holds. A second rule at one pc replaces
  // the first.
  void add(uint32_t pc, const gp_rule& rule);
  void add_no_rule(uint32_t pc) { append(pc, 0); }
  void count_unrepresented() { ++page_.unrepresented; }
  void count_malformed() { ++page_.malformed; }
  // A copy of exact size.
  [[nodiscard]] UnwindPage finish();

 private:
  uint16_t rule_index(const gp_rule& rule);
  void append(uint32_t pc, uint16_t rule);

  UnwindPage page_;
  std::vector<uint16_t> slots_;  // hash table of indexes into page_.rules, 0: free
};

}  // namespace gp::elf
