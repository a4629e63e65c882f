#include "elf/cold_part.h"

#include <gtest/gtest.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace gp::elf {
namespace {

// A function with unlikely blocks, which GCC moves to .text.unlikely, among others.
constexpr const char* kSource = R"(
void fail(int) __attribute__((cold));
int other(int);
#define BLOCK(n) if (__builtin_expect(a[n] < 0, 0)) { fail(n); a[n] = other(n); fail(n + 1); }
#define BLOCKS(n) BLOCK(n) sum += a[n] * n; BLOCK(n + 1) sum ^= a[n + 1]; BLOCK(n + 2) sum -= a[n + 2];
int wanted(int *a) { int sum = 0; BLOCKS(0) BLOCKS(3) BLOCKS(6) BLOCKS(9) BLOCKS(12) BLOCKS(15) return sum; }
int neighbour(int *a) { int sum = 0; BLOCKS(0) BLOCKS(3) BLOCKS(6) BLOCKS(9) return sum; }
int tail(int n) { return n > 3 ? other(n) : n; }
)";

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  char buffer[4096];
  for (size_t got = 0; (got = fread(buffer, 1, sizeof(buffer), pipe)) > 0;) text.append(buffer, got);
  return pclose(pipe) == 0 ? text : std::string();
}

TEST(ColdPart, IsWhatTheCompilerSplitOff) {
  const std::string base = testing::TempDir() + "gp_cold_part_" + std::to_string(getpid());
  std::ofstream(base + ".c") << kSource;
  const std::string symbols =
      output_of("gcc -O2 -w -shared -fPIC " + base + ".c -o " + base + ".so 2>/dev/null && nm -S " + base + ".so");
  auto image = Image::open(base + ".so");
  unlink((base + ".c").c_str());
  unlink((base + ".so").c_str());
  CodeRange function{};
  CodeRange cold{};
  std::istringstream in(symbols);
  std::string text;
  while (std::getline(in, text)) {
    std::istringstream line(text);
    std::string address, size, type, name;
    line >> address >> size >> type >> name;
    const Vaddr begin{std::strtoull(address.c_str(), nullptr, 16)};
    const CodeRange range{begin, begin + std::strtoull(size.c_str(), nullptr, 16)};
    if (name == "wanted") function = range;
    if (name == "wanted.cold") cold = range;
  }
  if (!image || cold.end <= cold.begin) GTEST_SKIP() << "no GCC here that splits functions";

  const auto found = find_cold_part(*image, function);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->begin, cold.begin);
  EXPECT_EQ(found->end, cold.end);
}

TEST(ColdPart, IsAbsentInFilesWithoutTables) {
  auto image = Image::open("/proc/self/exe");
  ASSERT_TRUE(image);
  EXPECT_FALSE(find_cold_part(*image, {Vaddr{0}, Vaddr{0}}));
  EXPECT_FALSE(find_cold_part(*image, {Vaddr{UINT64_MAX - 10}, Vaddr{UINT64_MAX}}));
}

}  // namespace
}  // namespace gp::elf
