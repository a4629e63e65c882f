#include "elf/code/code_source.h"

#include <gtest/gtest.h>

#include "elf/test_file.h"

namespace gp::elf {
namespace {

// A library with more code that nobody describes than is looked at: what is looked at lies around where samples are.
TEST(CodeSource, LooksAtTheCodeAroundWhereItIsWanted) {
  constexpr Vaddr kBase{0x401000};
  constexpr uint64_t kSize = CodeSource::kMaxCode / 4;
  constexpr uint64_t kSpans = 8;
  std::vector<uint8_t> code(kSpans * kSize, 0xcc);
  for (uint64_t i = 0; i < kSpans; ++i) code[i * kSize] = 0xc3;  // ret
  TestFile file;
  file.code(".text", kBase.value, code);
  std::vector<TestFile::Symbol> symbols;
  std::vector<CodeSpan> spans;
  for (uint64_t i = 0; i < kSpans; ++i) {
    symbols.push_back({"f" + std::to_string(i), kBase.value + i * kSize});
    spans.push_back({kBase + i * kSize, kBase + i * kSize + CodeSource::kLeast});
    spans.push_back({kBase + i * kSize + CodeSource::kLeast, kBase + (i + 1) * kSize});
  }
  file.symtab(symbols);
  const Image image = Image::from_memory(file.bytes()).value();
  for (const uint64_t wanted : {uint64_t{0}, uint64_t{5}, kSpans - 1}) {
    CodeSource source(image);
    source.start_page();
    const auto known = [&](uint64_t i) {
      return source.next(kBase + i * kSize, kBase + i * kSize + CodeSource::kLeast).has_value();
    };
    EXPECT_FALSE(known(wanted));
    ASSERT_TRUE(source.is_wanted());
    source.analyse(spans);
    EXPECT_TRUE(known(wanted)) << wanted;
    EXPECT_FALSE(known(wanted < kSpans / 2 ? kSpans - 1 : 0)) << wanted;
  }
}

}  // namespace
}  // namespace gp::elf
