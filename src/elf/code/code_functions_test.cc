// What is learned of small pieces of code, assembled here.
#include "elf/code/code_functions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "elf/test_file.h"

#ifdef __x86_64__

// Lies between labels in this program; nothing runs it.
#define SNIPPET(name, text)                                                                       \
  asm(".pushsection .text\n.balign 16\n" #name "_begin:\n" text "\n" #name "_end:\n.popsection"); \
  extern "C" const uint8_t name##_begin[], name##_end[]

namespace gp::elf {
namespace {

using testing::ElementsAre;

constexpr Vaddr kBase{0x401000};

std::string text_of(const gp_rule& rule) {
  constexpr std::array<const char*, GP_SAVED_REGS> kNames = {"rbx", "rbp", "r12", "r13", "r14", "r15"};
  if (rule.cfa_op == GP_CFA_NONE) return "-";
  if (rule.cfa_op == GP_CFA_ROOT) return "root";
  std::string text = fmt::format("{}{:+}",
                                 rule.cfa_reg == 7   ? "rsp"
                                 : rule.cfa_reg == 6 ? "rbp"
                                                     : "other",
                                 rule.cfa_offset);
  if (rule.ra_op == GP_RA_REGISTER) text += fmt::format(" in r{}", rule.ra_offset);
  for (size_t i = 0; i < kNames.size(); ++i)
    if (rule.saved[i] == GP_SAVED_UNKNOWN)
      text += fmt::format(" {}?", kNames[i]);
    else if (rule.saved[i] != GP_SAVED_SAME)
      text += fmt::format(" {}@{}", kNames[i], rule.saved[i] * 8);
  return text;
}

struct Analysed {
  Analysed(const uint8_t* begin, const uint8_t* end, const std::vector<uint64_t>& starts = {0}, uint64_t entry = 0)
      : image(make(begin, end, starts, entry)),
        code(image, std::vector{CodeSpan{kBase, kBase + static_cast<uint64_t>(end - begin)}}),
        functions(image, code) {}

  static Image make(const uint8_t* begin, const uint8_t* end, const std::vector<uint64_t>& starts, uint64_t entry) {
    TestFile file;
    file.code(".text", kBase.value, {begin, end});
    std::vector<TestFile::Symbol> symbols;
    symbols.reserve(starts.size());
    for (const uint64_t start : starts) symbols.push_back({fmt::format("f{}", start), kBase.value + start});
    file.symtab(symbols);
    auto bytes = file.bytes();
    const uint64_t address = entry == 0 ? 0 : kBase.value + entry;
    std::memcpy(bytes.data() + offsetof(Elf64_Ehdr, e_entry), &address, sizeof(address));
    return Image::from_memory(std::move(bytes)).value();
  }

  // The rule ahead of each instruction of the function at `offset`.
  std::vector<std::string> rules(uint64_t offset = 0) {
    std::map<uint64_t, std::string> found;
    FunctionFlow flow(code, functions);
    for (const auto& function : functions.functions()) {
      if (function.begin != kBase + offset || !functions.follow(function, flow)) continue;
      for (const auto& [address, place] : flow.places()) found[address] = text_of(place.facts.rule());
    }
    std::vector<std::string> texts;
    texts.reserve(found.size());
    for (const auto& [address, text] : found) texts.push_back(text);
    return texts;
  }

  Image image;
  CodeBytes code;
  CodeFunctions functions;
};

#define ANALYSED(name, ...) Analysed(name##_begin, name##_end __VA_OPT__(, ) __VA_ARGS__)

SNIPPET(pushes,
        "push %rbp; push %rbx; sub $24, %rsp; mov %edi, %ebx; call 1f; add $24, %rsp; pop %rbx; pop %rbp; ret; 1: ret");
TEST(CodeFunctions, FollowsPushesAndPops) {
  EXPECT_THAT(ANALYSED(pushes).rules(),
              ElementsAre("rsp+8", "rsp+16 rbp@-16", "rsp+24 rbx@-24 rbp@-16", "rsp+48 rbx@-24 rbp@-16",
                          "rsp+48 rbx@-24 rbp@-16", "rsp+48 rbx@-24 rbp@-16", "rsp+24 rbx@-24 rbp@-16",
                          "rsp+16 rbp@-16", "rsp+8"));
}

SNIPPET(frame_pointer,
        "push %rbp; mov %rsp, %rbp; push %r12; and $-64, %rsp; sub %rax, %rsp; mov -8(%rbp), %r12; leave; ret");
TEST(CodeFunctions, FindsTheFrameByRbpWhereTheStackPointerIsNotKnown) {
  EXPECT_THAT(ANALYSED(frame_pointer).rules(),
              ElementsAre("rsp+8", "rsp+16 rbp@-16", "rbp+16 rbp@-16", "rbp+16 rbp@-16 r12@-24",
                          "rbp+16 rbp@-16 r12@-24", "rbp+16 rbp@-16 r12@-24", "rbp+16 rbp@-16", "rsp+8"));
}

SNIPPET(stores, "mov %rbx, -16(%rsp); sub $24, %rsp; xor %ebx, %ebx; mov 8(%rsp), %rbx; add $24, %rsp; ret");
TEST(CodeFunctions, FollowsRegistersSavedByStores) {
  EXPECT_THAT(ANALYSED(stores).rules(),
              ElementsAre("rsp+8", "rsp+8", "rsp+32 rbx@-24", "rsp+32 rbx@-24", "rsp+32", "rsp+8"));
}

SNIPPET(two_paths, "test %edi, %edi; je 1f; push %rbx; nop; pop %rbx; 1: ret");
TEST(CodeFunctions, JoinsPathsThatAgree) {
  EXPECT_THAT(ANALYSED(two_paths).rules(),
              ElementsAre("rsp+8", "rsp+8", "rsp+8", "rsp+16 rbx@-16", "rsp+16 rbx@-16", "rsp+8"));
}

SNIPPET(unbalanced, "test %edi, %edi; je 1f; push %rax; 1: ret");
TEST(CodeFunctions, SaysNothingOfAFunctionThatReturnsAtTwoDepths) {
  EXPECT_THAT(ANALYSED(unbalanced).rules(), ElementsAre());
}

SNIPPET(clobbers, "mov %edi, %ebx; ret");
TEST(CodeFunctions, SaysNothingOfAFunctionThatLosesAPreservedRegister) {
  EXPECT_THAT(ANALYSED(clobbers).rules(), ElementsAre());
}

SNIPPET(thunk, "call 1f; 2: pause; jmp 2b; 1: mov %rax, (%rsp); ret");
TEST(CodeFunctions, SaysNothingOfReturnsToElsewhere) { EXPECT_THAT(ANALYSED(thunk).rules(17 - 8), ElementsAre()); }

SNIPPET(other_stack, "push %rbx; mov 8(%rdi), %rsp; nop; jmp *(%rdi)");
TEST(CodeFunctions, HasNoRuleWhereTheStackPointerIsNotKnown) {
  EXPECT_THAT(ANALYSED(other_stack).rules(), ElementsAre("rsp+8", "rsp+16 rbx@-16", "-", "-"));
}

// As in musl's __clone: the child is the outermost frame of its thread, the parent returns.
SNIPPET(
    clone_,
    "xor %eax, %eax; sub $8, %rsi; syscall; test %eax, %eax; jnz 1f; xor %ebp, %ebp; pop %rdi; call *%r9; hlt; 1: ret");
TEST(CodeFunctions, EndsWhereRbpIsClearedForGood) {
  EXPECT_THAT(ANALYSED(clone_).rules(),
              ElementsAre("rsp+8", "rsp+8", "rsp+8", "rsp+8", "rsp+8", "root", "root", "root", "root", "rsp+8"));
}

SNIPPET(vfork_, "pop %rdx; mov $58, %eax; syscall; push %rdx; ret");
TEST(CodeFunctions, FollowsAReturnAddressIntoARegister) {
  EXPECT_THAT(ANALYSED(vfork_).rules(), ElementsAre("rsp+8", "rsp+0 in r1", "rsp+0 in r1", "rsp+0 in r1", "rsp+8"));
}

SNIPPET(exits, "mov $60, %eax; syscall; push %rax; ret");
TEST(CodeFunctions, StopsAtTheEndOfAThread) { EXPECT_THAT(ANALYSED(exits).rules(), ElementsAre("rsp+8", "rsp+8")); }

SNIPPET(start, "nop; mov %rsp, %rdi; and $-16, %rsp; call 1f; hlt; 1: ret");
TEST(CodeFunctions, EndsAtTheEntryOfAProgram) {
  EXPECT_THAT(ANALYSED(start, {}, 1).rules(1), ElementsAre("root", "root", "root", "root"));
}

SNIPPET(probes,
        "lea -0x20000(%rsp), %r11; 1: sub $0x1000, %rsp; orq $0, (%rsp); cmp %r11, %rsp; jne 1b; nop; "
        "add $0x20000, %rsp; ret");
TEST(CodeFunctions, KnowsStackTakenAPageAtATime) {
  EXPECT_THAT(ANALYSED(probes).rules(), ElementsAre("rsp+8", "-", "-", "-", "-", "rsp+131080", "rsp+131080", "rsp+8"));
}

// The first never returns, and nothing says so but its code: what it calls ends in hlt.
SNIPPET(no_return,
        "sub $24, %rsp; call 1f; .balign 16; push %rbx; push %rbp; pop %rbp; pop %rbx; ret; .balign 16; 1: hlt");
TEST(CodeFunctions, StopsAtCallsThatNeverReturn) {
  Analysed analysed = ANALYSED(no_return);
  EXPECT_THAT(analysed.rules(), ElementsAre("rsp+8", "rsp+32"));
  // Which only pointers lead to.
  EXPECT_THAT(analysed.rules(16),
              ElementsAre("rsp+8", "rsp+16 rbx@-16", "rsp+24 rbx@-16 rbp@-24", "rsp+16 rbx@-16", "rsp+8"));
}

// Nothing tells that the callee of the first does not return.
SNIPPET(doubtful, "sub $24, %rsp; call *%rax; .balign 16; push %rbx; 1: jmp *%rcx");
TEST(CodeFunctions, DoesNotRunIntoTheNextFunction) {
  EXPECT_THAT(ANALYSED(doubtful).rules(), ElementsAre("rsp+8", "rsp+32"));
}

// The same, but what follows is the same function.
SNIPPET(aligned_loop,
        "sub $24, %rsp; call *%rax; .balign 16; 1: call *%rax; test %eax, %eax; jne 1b; add $24, %rsp; ret");
TEST(CodeFunctions, GoesOnBehindCallsThatPaddingFollows) { EXPECT_EQ(ANALYSED(aligned_loop).rules().back(), "rsp+8"); }

// A part of a function whose frame is 24 bytes deep, in front of another function: only its end says so.
SNIPPET(part, "add $24, %rsp; ret; .balign 16; sub $8, %rsp; call *%rax; add $8, %rsp; ret");
TEST(CodeFunctions, TellsFunctionsFromParts) {
  Analysed analysed = ANALYSED(part, {});
  EXPECT_THAT(analysed.rules(0), ElementsAre());
  EXPECT_THAT(analysed.rules(16), ElementsAre("rsp+8", "rsp+16", "rsp+16", "rsp+8"));
}

SNIPPET(table,
        "push %rbx; cmp $1, %edi; ja 1f; lea 3f(%rip), %rdx; mov %edi, %edi; movslq (%rdx,%rdi,4), %rax; "
        "add %rdx, %rax; jmp *%rax; 1: pop %rbx; ret; 2: push %rbp; pop %rbp; jmp 1b; 4: nop; jmp 1b; .balign 4; "
        "3: .long 2b - 3b, 4b - 3b");
TEST(CodeFunctions, FollowsTablesOfJumps) {
  const auto rules = ANALYSED(table).rules();
  EXPECT_EQ(rules.size(), 15U);
  EXPECT_EQ(rules[11], "rsp+24 rbx@-16 rbp@-24");
  EXPECT_EQ(rules[14], "rsp+16 rbx@-16");
}

// The same without a comparison: how long the table is cannot be told.
SNIPPET(unbounded,
        "push %rbx; lea 3f(%rip), %rdx; movslq (%rdx,%rdi,4), %rax; add %rdx, %rax; jmp *%rax; "
        "2: pop %rbx; ret; .balign 4; 3: .long 2b - 3b");
TEST(CodeFunctions, LeavesOtherIndirectJumpsAlone) { EXPECT_EQ(ANALYSED(unbounded).rules().size(), 5U); }

SNIPPET(tail_call, "push %rbx; pop %rbx; jmp 1f; .balign 16; push %rbx; jmp 1f; .balign 16; 1: ret");
TEST(CodeFunctions, FollowsTailCalls) {
  Analysed analysed = ANALYSED(tail_call, {0, 16, 32});
  EXPECT_THAT(analysed.rules(0), ElementsAre("rsp+8", "rsp+16 rbx@-16", "rsp+8"));
  EXPECT_THAT(analysed.rules(16), ElementsAre());  // with a word left on the stack
}

}  // namespace
}  // namespace gp::elf

#endif
