// For tests: one made-up process for NativeWalker, its code, unwind rules and stack put together by hand.
#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "walk/native_walker.h"
#include "walk/row_pool.h"
#include "walk/testing/plain_tables.h"

namespace gp::walk {

// A rule that says only where the CFA is; the return address is right below it.
inline gp_rule cfa_rule(gp_cfa_op op, uint8_t reg, int32_t offset) {
  gp_rule rule{};
  rule.cfa_op = op;
  rule.cfa_reg = reg;
  rule.cfa_offset = offset;
  rule.ra_offset = -8;
  return rule;
}
inline gp_rule rsp_rule(int32_t offset) { return cfa_rule(GP_CFA_REG, GP_REG_RSP, offset); }

class StackWorld {
 public:
  static constexpr uint64_t kCode = 0x400000;         // file 0 is mapped here, from its offset 0
  static constexpr uint64_t kStack = 0x7ffc00000000;  // address of words[0]
  static constexpr uint64_t kOther = 0xc000100000;    // address of other_words[0]
  static constexpr uint32_t kFilePages = 4;           // of file 0

  StackWorld() : pool_(&plain, &plain.tables, GP_SEGMENT_SIZE) {
    plain.tables.files[0] = {};
    plain.tables.files[0].page_count = kFilePages;
    plain.tables.files[0].state = GP_FILE_LOADED;
    mappings = {{.start = kCode, .end = kCode + kFilePages * GP_PAGE_SIZE, .offset = 0, .file = 0, .flags = 0}};
    registers.valid = GP_REGS_ALL;
    registers.value[GP_REG_RSP] = kStack;
    registers.value[GP_REG_RIP] = kCode;
  }

  // From file offset `at` (in file 0) on, up to the next rule, `rule` holds.
  void rule(uint32_t at, const gp_rule& rule) { rules_[at] = rule; }

  // Loads the rules given so far; pages without any become empty ones.
  void load() {
    now_ns_ += kGraceNs;
    for (uint32_t page = 0; page < kFilePages; ++page) {
      std::vector<gp_rule> rules;
      std::vector<gp_row> rows;
      const uint32_t begin = page * GP_PAGE_SIZE;
      for (auto at = rules_.lower_bound(begin); at != rules_.end() && at->first < begin + GP_PAGE_SIZE; ++at) {
        const auto same = [&at](const gp_rule& rule) { return std::memcmp(&rule, &at->second, sizeof(rule)) == 0; };
        const auto known = std::ranges::find_if(rules, same) - rules.begin();
        if (known == static_cast<std::ptrdiff_t>(rules.size())) rules.push_back(at->second);
        rows.push_back({.pc = static_cast<uint16_t>(at->first - begin), .rule = static_cast<uint16_t>(known)});
      }
      pool_.release(page, now_ns_);
      plain.tables.pages[page] = rows.empty() ? GP_PAGE_EMPTY : pool_.place(page, rules, rows, now_ns_).value();
    }
  }

  // The address of a word of the stack.
  static uint64_t address(size_t word) { return kStack + word * 8; }

  WalkedStack walk() {
    return walker_.walk({.registers = registers,
                         .thread_pointer = 0,
                         .base = kStack,
                         .stack = {reinterpret_cast<const uint8_t*>(words.data()), words.size() * 8},
                         .other_base = kOther,
                         .other = {reinterpret_cast<const uint8_t*>(other_words.data()), other_words.size() * 8},
                         .mappings = mappings,
                         .pid = 1,
                         .runtimes = runtimes,
                         .before = before,
                         .pending = pending});
  }
  WalkedStack load_and_walk() {
    load();
    return walk();
  }

  PlainTables plain;
  gp_registers registers{};
  std::vector<uint64_t> words;
  std::vector<uint64_t> other_words;  // another stack
  std::vector<gp_mapping> mappings;
  std::vector<gp_runtime_entry> runtimes;
  std::vector<gp_frame> before;
  std::vector<gp_frame> pending;

 private:
  std::map<uint32_t, gp_rule> rules_;
  RowPool pool_;
  uint64_t now_ns_ = 0;
  NativeWalker walker_{plain.tables};
};

// File offsets (or pcs of generated code) of the frames, leaf first.
inline std::vector<uint64_t> places(const WalkedStack& walked) {
  std::vector<uint64_t> values;
  for (const gp_frame& frame : walked.frames) values.push_back(frame.value);
  return values;
}

}  // namespace gp::walk
