#include "runtimes/pcre/call_scan.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

namespace gp::runtimes::pcre {
namespace {

constexpr const char* kLibrary = "/usr/lib/x86_64-linux-gnu/libpcre2-8.so.0";

std::vector<uint64_t> values(const std::vector<Vaddr>& sites) {
  std::vector<uint64_t> found;
  found.reserve(sites.size());
  for (const Vaddr site : sites) found.push_back(site.value);
  std::ranges::sort(found);
  return found;
}

struct Change {
  std::string_view from;
  std::string_view to;  // of the same length
};

// The library, changed wherever it has these bytes.
std::optional<elf::Image> library(std::initializer_list<Change> changes) {
  const auto image = elf::Image::open(kLibrary);
  if (!image) return std::nullopt;
  std::vector<uint8_t> bytes(image->bytes().begin(), image->bytes().end());
  for (const auto& [from, to] : changes) {
    auto at = std::search(bytes.begin(), bytes.end(), from.begin(), from.end());
    for (; at != bytes.end(); at = std::search(at, bytes.end(), from.begin(), from.end()))
      at = std::copy(to.begin(), to.end(), at);
  }
  auto changed = elf::Image::from_memory(std::move(bytes));
  if (!changed) return std::nullopt;
  return std::move(*changed);
}

constexpr Change kHideName = {"pcre2_jit_match", "hidden_function"};
constexpr Change kHideCompiler = {"little endian", "middle endian"};

TEST(PcreCallScan, FindsCallsOfEveryForm) {
  // call *%rdx; nop; call *8(%r9); call *(%rsi,%rax,8); call *0x100(%rax); call *8(%rip); call 0
  const std::array<uint8_t, 32> code = {0xff, 0xd2, 0x90, 0x41, 0xff, 0x51, 0x08, 0xff, 0x14, 0xc6, 0xff,
                                        0x90, 0x00, 0x01, 0x00, 0x00, 0xff, 0x15, 0x08, 0x00, 0x00, 0x00,
                                        0xe8, 0x00, 0x00, 0x00, 0x00, 0xff, 0xd6, 0x90, 0x90, 0xff};
  EXPECT_EQ(values(return_sites(code, {0x1000})),
            (std::vector<uint64_t>{0x1002, 0x1007, 0x100a, 0x1010, 0x1016, 0x101d}));
}

TEST(PcreCallScan, KnowsHowRoomIsMadeForTheMachinesStack) {
  EXPECT_TRUE(has_machine_stack(std::array<uint8_t, 7>{0x48, 0x81, 0xec, 0x28, 0x80, 0, 0}));  // sub $0x8028, %rsp
  // As GCC has it with -fstack-clash-protection: push %rbx; lea -0x8000(%rsp), %r11
  EXPECT_TRUE(has_machine_stack(std::array<uint8_t, 9>{0x53, 0x4c, 0x8d, 0x9c, 0x24, 0x00, 0x80, 0xff, 0xff}));
  // As Clang has it: mov %rsp, %r11; sub $0x8000, %r11
  EXPECT_TRUE(has_machine_stack(std::array<uint8_t, 10>{0x49, 0x89, 0xe3, 0x49, 0x81, 0xeb, 0, 0x80, 0, 0}));
  EXPECT_FALSE(has_machine_stack(std::array<uint8_t, 7>{0x48, 0x81, 0xec, 0x28, 0x10, 0, 0}));
  EXPECT_FALSE(has_machine_stack(std::array<uint8_t, 7>{0x48, 0x81, 0xec, 0, 0, 1, 0}));
  EXPECT_FALSE(has_machine_stack(std::array<uint8_t, 5>{0x48, 0x81, 0xec, 0x28, 0x80}));
  EXPECT_FALSE(has_machine_stack({}));
}

TEST(PcreCallScan, FindsThoseOfALibraryThatHidesItsNames) {
  if (::access(kLibrary, R_OK) != 0) GTEST_SKIP() << "no " << kLibrary;
  const auto plain = library({});
  ASSERT_TRUE(plain);
  const auto named = find_sites(*plain);
  ASSERT_TRUE(named);
  EXPECT_GE(named->size(), 3U);  // of the call for a stack, on that stack, and on the machine's
  const auto hidden = library({kHideName});
  ASSERT_TRUE(hidden);
  const auto found = find_sites(*hidden);
  ASSERT_TRUE(found);
  EXPECT_EQ(values(*found), values(*named));
}

// main/php_compat.h gives all of PCRE's names this prefix.
TEST(PcreCallScan, KnowsTheNameThatPhpGivesIt) {
  if (::access(kLibrary, R_OK) != 0) GTEST_SKIP() << "no " << kLibrary;
  using namespace std::string_view_literals;
  const auto nameless = library({kHideName, kHideCompiler});
  ASSERT_TRUE(nameless);
  EXPECT_FALSE(find_sites(*nameless));
  // The next name begins right behind it.
  const auto image = library({{"pcre2_jit_match_8\0pc"sv, "php_pcre2_jit_match\0"sv}, kHideCompiler});
  ASSERT_TRUE(image);
  EXPECT_TRUE(find_sites(*image));
}

TEST(PcreCallScan, TakesNoOtherFileForOne) {
  const auto image = elf::Image::open("/proc/self/exe");  // which speaks of the compiler
  ASSERT_TRUE(image);
  EXPECT_FALSE(find_sites(*image));
}

}  // namespace
}  // namespace gp::runtimes::pcre
