#include "runtimes/python/instruction_functions.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

#include "runtimes/symbols.h"

namespace gp::runtimes::python {
namespace {

// As Python/ceval_macros.h of 3.14 has instructions and labels with --with-tail-call-interp.
constexpr const char* kSource = R"(
#define CODE static __attribute__((preserve_none, noinline)) long
typedef __attribute__((preserve_none)) long (*function)(const unsigned char *, long);
static const function table[256];
long other(long, int), fail(long);
CODE _TAIL_CALL_error(const unsigned char *at, long sum) { return fail(sum); }
#define TARGET(n) CODE _TAIL_CALL_##n(const unsigned char *at, long sum) { \
  sum = other(sum, n); \
  if (sum < 0) [[clang::musttail]] return _TAIL_CALL_error(at, sum); \
  [[clang::musttail]] return table[*at](at + 1, sum); }
#define EACH4(what, n) what(n##0) what(n##1) what(n##2) what(n##3)
#define EACH16(what, n) EACH4(what, n##0) EACH4(what, n##1) EACH4(what, n##2) EACH4(what, n##3)
#define EACH64(what, n) EACH16(what, n##0) EACH16(what, n##1) EACH16(what, n##2) EACH16(what, n##3)
#define EACH(what) EACH64(what, 010) EACH64(what, 011) EACH64(what, 012) EACH64(what, 013)
EACH(TARGET)
#define ENTRY(n) _TAIL_CALL_##n,
static const function table[256] = {EACH(ENTRY)};
long bystander(int n) { static long (*const few[])(long) = {fail, fail}; return few[n](n); }
long wanted(const unsigned char *at) { return bystander(*at) + _TAIL_CALL_010000(at, 0) + 1; }
)";

struct Compiled {
  std::string path = testing::TempDir() + "gp_instructions_" + std::to_string(getpid());

  explicit Compiled(const std::string& options) {
    std::ofstream(path + ".c") << kSource;
    made = ::system(("clang-19 -std=gnu2x -O2 -w -shared -fPIC " + options + " " + path + ".c -o " + path +
                     ".so 2>/dev/null")
                        .c_str()) == 0;
  }
  ~Compiled() {
    ::unlink((path + ".c").c_str());
    ::unlink((path + ".so").c_str());
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  bool made = false;
};

elf::CodeRange range_of(const elf::Image& image, std::string_view wanted) {
  constexpr std::array<std::string_view, 2> kStarts = {"want", "byst"};
  elf::CodeRange range{};
  each_symbol(image, SymbolSection::kDynamic, kStarts, [&](std::string_view name, const Symbol& symbol) {
    if (name == wanted) range = {symbol.address, symbol.address + symbol.size};
  });
  return range;
}

TEST(InstructionFunctions, AreFoundByTheirNamesAndByTheirTable) {
  for (const std::string options : {"", "-s"}) {
    const Compiled compiled(options);
    if (!compiled.made) GTEST_SKIP() << "no Clang here that knows preserve_none";
    const auto image = elf::Image::open(compiled.path + ".so");
    ASSERT_TRUE(image);
    const auto found = find_instruction_functions(*image, range_of(*image, "wanted"));
    EXPECT_EQ(found.size(), 257U) << options;
    EXPECT_TRUE(std::ranges::is_sorted(found, {}, &elf::CodeRange::begin));
    const auto other = range_of(*image, "bystander");
    EXPECT_EQ(std::ranges::count(found, other.begin, &elf::CodeRange::begin), 0) << options;
    EXPECT_TRUE(options.empty() || find_instruction_functions(*image, other).empty());
  }
}

TEST(InstructionFunctions, AreNotLookedForInALoop) {
  const auto image = elf::Image::open("/proc/self/exe");
  ASSERT_TRUE(image);
  EXPECT_TRUE(find_instruction_functions(*image, {Vaddr{0}, Vaddr{0}}).empty());
  EXPECT_TRUE(find_instruction_functions(*image, {Vaddr{UINT64_MAX - 10}, Vaddr{UINT64_MAX}}).empty());
  EXPECT_TRUE(find_instruction_functions(*image, {image->entry(), image->entry() + 20000}).empty());
}

}  // namespace
}  // namespace gp::runtimes::python
