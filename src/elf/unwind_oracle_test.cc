// Compares compiled unwind pages with what libdw says of the same addresses, over programs of this host.
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <glob.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "elf/cfi_state.h"
#include "elf/unwind_source.h"

namespace gp::elf {
namespace {

constexpr std::array<int, GP_SAVED_REGS> kSavedNumbers = GP_SAVED_DWARF_NUMBERS;
constexpr int kDwarfRbx = 3;
constexpr int kSamplesPerFile = 4000;

struct Free {
  void operator()(void* memory) const { free(memory); }
};
using FramePtr = std::unique_ptr<Dwarf_Frame, Free>;

// Rules as text, so that both sides can be compared and shown.
struct Text {
  std::string cfa;
  std::string return_address;
  std::array<std::string, GP_SAVED_REGS> saved;
  bool operator==(const Text&) const = default;
};

std::string plus(int64_t offset) { return fmt::format("{:+}", offset); }

std::string ops_text(const Dwarf_Op* ops, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    const Dwarf_Op& op = ops[i];
    if (op.atom >= DW_OP_breg0 && op.atom <= DW_OP_breg31)
      text += fmt::format("r{}{}", op.atom - DW_OP_breg0, plus(static_cast<int64_t>(op.number)));
    else if (op.atom == DW_OP_bregx)
      text += fmt::format("r{}{}", op.number, plus(static_cast<int64_t>(op.number2)));
    else if (op.atom == DW_OP_regx)
      text += fmt::format("in r{}", op.number);
    else if (op.atom >= DW_OP_reg0 && op.atom <= DW_OP_reg31)
      text += fmt::format("in r{}", op.atom - DW_OP_reg0);
    else if (op.atom == DW_OP_call_frame_cfa)
      text += "c";
    else if (op.atom == DW_OP_plus_uconst)
      text += plus(static_cast<int64_t>(op.number));
    else if (op.atom == DW_OP_deref)
      text += "*";
    else
      text += fmt::format("<{:x}>", op.atom);
  }
  return text;
}

std::string register_text(Dwarf_Frame* frame, int number) {
  std::array<Dwarf_Op, 3> memory{};
  Dwarf_Op* ops = nullptr;
  size_t count = 0;
  if (dwarf_frame_register(frame, number, memory.data(), &ops, &count) != 0) return "error";
  // libdw 0.188 takes rbx for undefined where nothing is said; by the psABI (figure 3.4) calls preserve it.
  if (count == 0) return ops == nullptr || number == kDwarfRbx ? "same" : "undefined";
  std::string text = ops_text(ops, count);
  if (text.starts_with("cr")) text.erase(0, 1);  // an expression gets the CFA pushed ahead of it
  return text;
}

// What libdw says; nothing when it knows no frame there.
std::optional<Text> oracle_text(Dwarf_CFI* cfi, uint64_t address, bool& is_signal) {
  Dwarf_Frame* raw = nullptr;
  if (dwarf_cfi_addrframe(cfi, address, &raw) != 0) return std::nullopt;
  const FramePtr frame(raw);
  Dwarf_Op* ops = nullptr;
  size_t count = 0;
  if (dwarf_frame_cfa(raw, &ops, &count) != 0) return std::nullopt;
  dwarf_frame_info(raw, nullptr, nullptr, &is_signal);
  Text text{ops_text(ops, count), register_text(raw, kDwarfRip), {}};
  for (size_t i = 0; i < text.saved.size(); ++i) text.saved[i] = register_text(raw, kSavedNumbers[i]);
  return text;
}

std::string saved_text(const gp_rule& rule, size_t which) {
  const int8_t words = rule.saved[which];
  if (words == GP_SAVED_SAME) return "same";
  if (words == GP_SAVED_UNKNOWN) return "undefined";
  if ((rule.flags & GP_RULE_SAVED_AT_FP) != 0)
    return fmt::format("r6{}", plus(words == GP_SAVED_AT_FP_ZERO ? 0 : words * 8));
  return fmt::format("c{}", plus(words * 8));
}

Text rule_text(const gp_rule& rule) {
  Text text;
  const auto base = fmt::format("r{}", rule.cfa_reg);
  const auto offset = plus(rule.cfa_offset);
  switch (rule.cfa_op) {
    case GP_CFA_REG: text.cfa = base + offset; break;
    case GP_CFA_REG_DEREF: text.cfa = base + offset + "*"; break;
    case GP_CFA_REG_DEREF_ADD: text.cfa = base + plus(rule.ra_offset * 8) + "*" + offset; break;
    case GP_CFA_PLT:
      text.cfa = "r7+8r16+0<3f><1a>" + fmt::format("<{:x}>", DW_OP_lit0 + rule.cfa_offset) + "<2a><33><24><22>";
      break;
    default: text.cfa = fmt::format("op {}", rule.cfa_op);
  }
  if (rule.ra_op == GP_RA_REGISTER)
    text.return_address = fmt::format("in r{}", rule.ra_offset);
  else
    text.return_address = fmt::format("c{}", plus(rule.cfa_op == GP_CFA_REG_DEREF_ADD ? -8 : rule.ra_offset));
  for (size_t i = 0; i < text.saved.size(); ++i) text.saved[i] = saved_text(rule, i);
  return text;
}

const gp_rule* rule_at(const UnwindPage& page, uint32_t pc) {
  const gp_rule* rule = nullptr;
  for (const gp_row& row : page.rows) {
    if (row.pc > pc) break;
    rule = &page.rules[row.rule];
  }
  return rule;
}

struct Tally {
  int agree = 0;      // rules equal in all
  int both_none = 0;  // neither side knows the pc
  int learned = 0;    // libdw has no rule there; ours is from the code itself
  int special = 0;    // root and signal frames, which have rules of their own
  int lost = 0;       // libdw has a rule that ours cannot say
  int differ = 0;
};

void show(Tally& tally, FileOffset offset, const std::optional<Text>& oracle, const gp_rule* rule) {
  if (tally.differ + tally.lost > 10) return;
  const Text ours = rule == nullptr ? Text{"none", "", {}} : rule_text(*rule);
  std::cout << fmt::format("  at {:#x}: libdw {} ra {} [{}], ours {} ra {} [{}]\n", offset.value,
                           oracle ? oracle->cfa : "none", oracle ? oracle->return_address : "",
                           oracle ? fmt::format("{}", fmt::join(oracle->saved, " ")) : "", ours.cfa,
                           ours.return_address, fmt::format("{}", fmt::join(ours.saved, " ")));
}

// Saved registers that do not fit become unknown: that is a loss, not a difference.
bool equal_but_for_unknown(const Text& oracle, const Text& ours) {
  if (oracle.cfa != ours.cfa || oracle.return_address != ours.return_address) return false;
  for (size_t i = 0; i < ours.saved.size(); ++i)
    if (ours.saved[i] != oracle.saved[i] && ours.saved[i] != "undefined") return false;
  return true;
}

void compare(Tally& tally, FileOffset offset, const std::optional<Text>& oracle, bool is_signal, const gp_rule* rule) {
  const bool none = rule == nullptr || rule->cfa_op == GP_CFA_NONE;
  if (none && !oracle) {
    ++tally.both_none;
  } else if (none) {
    ++tally.lost;
    show(tally, offset, oracle, rule);
  } else if (!oracle) {
    ++tally.learned;
  } else if (rule->cfa_op == GP_CFA_ROOT || rule->cfa_op == GP_CFA_SIGNAL) {
    const bool right = rule->cfa_op == GP_CFA_ROOT ? oracle->return_address == "undefined" : is_signal;
    ++(right ? tally.special : tally.differ);
  } else if (*oracle == rule_text(*rule)) {
    ++tally.agree;
  } else if (equal_but_for_unknown(*oracle, rule_text(*rule))) {
    ++tally.lost;
    show(tally, offset, oracle, rule);
  } else {
    ++tally.differ;
    show(tally, offset, oracle, rule);
  }
}

class OracleTest : public testing::TestWithParam<const char*> {};

TEST_P(OracleTest, AgreesWithLibdw) {
  glob_t matches{};
  const int status = glob(GetParam(), 0, nullptr, &matches);
  const std::string path = status == 0 ? matches.gl_pathv[0] : "";
  globfree(&matches);
  if (path.empty()) GTEST_SKIP() << GetParam() << " is not on this host";

  auto image = Image::open(path);
  ASSERT_TRUE(image) << image.error().message();
  UnwindSource source(*image);
  elf_version(EV_CURRENT);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  Elf* elf = elf_begin(fd, ELF_C_READ_MMAP, nullptr);
  Dwarf_CFI* cfi = dwarf_getcfi_elf(elf);
  ASSERT_NE(cfi, nullptr) << dwarf_errmsg(-1);

  const Section* text = image->section(".text");
  ASSERT_NE(text, nullptr);
  std::mt19937_64 random(42);
  std::map<uint64_t, UnwindPage> pages;
  Tally tally;
  std::chrono::nanoseconds spent{0};
  for (int i = 0; i < kSamplesPerFile; ++i) {
    // Every tenth anywhere in code (PLT, gaps), the others in .text.
    const auto& range = image->executable_ranges()[0];
    const uint64_t offset =
        i % 10 == 0 ? range.begin.value + random() % (range.end - range.begin) : text->offset + random() % text->size;
    const auto page_index = offset >> GP_PAGE_SHIFT;
    if (!pages.contains(page_index)) {
      const auto begin = std::chrono::steady_clock::now();
      pages[page_index] = source.compile_page(page_index);
      spent += std::chrono::steady_clock::now() - begin;
    }
    bool is_signal = false;
    const auto oracle = oracle_text(cfi, image->to_vaddr({offset})->value, is_signal);
    compare(tally, {offset}, oracle, is_signal, rule_at(pages[page_index], offset & (GP_PAGE_SIZE - 1)));
  }
  dwarf_cfi_end(cfi);
  elf_end(elf);
  close(fd);
  std::cout << fmt::format(
      "{}: {} agree, {} both none, {} learned, {} root or signal, {} lost, {} differ; {} pages, {:.1f} us each\n", path,
      tally.agree, tally.both_none, tally.learned, tally.special, tally.lost, tally.differ, pages.size(),
      static_cast<double>(spent.count()) / 1000 / static_cast<double>(pages.size()));
  EXPECT_EQ(tally.differ, 0);
  EXPECT_LE(tally.lost, kSamplesPerFile / 100);
  EXPECT_GT(tally.agree, kSamplesPerFile / 2);
}

INSTANTIATE_TEST_SUITE_P(Host, OracleTest,
                         testing::Values("/lib/x86_64-linux-gnu/libc.so.6", "/usr/bin/python3.1*",
                                         "/usr/lib/gcc/x86_64-linux-gnu/*/cc1plus", "/usr/bin/node",
                                         "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
                                         "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "/lib64/ld-linux-x86-64.so.2"));

}  // namespace
}  // namespace gp::elf
