#include "elf/go_symbols.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "elf/go_module.h"
#include "elf/test_file.h"

namespace gp::elf {
namespace {

constexpr uint64_t kText = 0x401000;
constexpr uint64_t kTable = 0x500000;
constexpr uint64_t kModule = 0x600000;
constexpr uint64_t kInlineBase = 0x700000;

enum class Version { k116, k118, k120 };

class TableBuilder {
 public:
  explicit TableBuilder(Version version) : version_(version) {}

  // Two functions: main.outer, 64 bytes, in which bytes [16, 32) are main.middle, [24, 32) of it main.inner[…];
  // and main.next, 32 bytes.
  TestFile file() {
    const bool absolute = version_ == Version::k116;
    const std::string names = text({"main.outer", "main.middle", "main.inner[go.shape.int]", "main.next"});
    std::vector<uint8_t> values(1, 0);  // 0: no table
    const auto file_values = pc_values(values, {{64, 0}});
    const auto lines = pc_values(values, {{16, 10}, {8, 21}, {8, 30}, {32, 12}});
    const auto inlined = pc_values(values, {{16, -1}, {8, 0}, {8, 1}, {32, -1}});

    std::vector<uint8_t> functions;
    const size_t field = absolute ? 8 : 4;
    functions.resize((2 * 2 + 1) * field + (absolute ? 0 : 4));
    const size_t outer = functions.size();
    record(functions, 0, 0, file_values, lines, inlined);
    functions.resize((functions.size() + 7) & ~size_t{7});
    const size_t next = functions.size();
    record(functions, 64, 11 + 12 + 25, file_values, 0, 0);
    const std::array<uint64_t, 5> table{0, outer, 64, next, 96};
    for (size_t i = 0; i < table.size(); ++i) {
      const uint64_t value = table[i] + (absolute && i % 2 == 0 ? kText : 0);
      std::memcpy(functions.data() + i * field, &value, field);
    }

    std::vector<uint8_t> bytes{magic(), 0xff, 0xff, 0xff, 0, 0, 1, 8};
    TestFile::append(bytes, uint64_t{2});
    TestFile::append(bytes, uint64_t{1});
    if (!absolute) TestFile::append(bytes, uint64_t{0});  // text start: in moduledata
    const uint64_t units = pad(bytes.size() + 40) + pad(names.size());
    const uint64_t files = units + 8;
    const uint64_t values_at = files + 16;
    const uint64_t names_at = pad(bytes.size() + 40);
    for (const uint64_t offset : {names_at, units, files, values_at, values_at + pad(values.size())})
      TestFile::append(bytes, offset);
    put(bytes, names_at, names);
    put(bytes, files, std::string("main.go"));
    put(bytes, values_at, {values.begin(), values.end()});
    put(bytes, values_at + pad(values.size()), {functions.begin(), functions.end()});

    TestFile file;
    file.code(".text", kText, std::vector<uint8_t>(96));
    file.section(".gopclntab", SHT_PROGBITS, SHF_ALLOC, kTable, bytes);
    file.section(".go.module", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, kModule, module(names_at));
    file.section(".rodata", SHT_PROGBITS, SHF_ALLOC, kInlineBase, tree());
    return file;
  }

 private:
  static size_t pad(size_t size) { return (size + 7) & ~size_t{7}; }
  static std::string text(const std::vector<std::string>& names) {
    std::string all;
    for (const auto& name : names) all += name + '\0';
    return all;
  }
  static void put(std::vector<uint8_t>& bytes, size_t at, const std::string& part) {
    bytes.resize(pad(std::max(bytes.size(), at + part.size())));
    std::copy(part.begin(), part.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
  }
  static void uleb(std::vector<uint8_t>& bytes, uint32_t value) {
    for (; value >= 0x80; value >>= 7U) bytes.push_back(static_cast<uint8_t>(value | 0x80U));
    bytes.push_back(static_cast<uint8_t>(value));
  }
  // Appends a table of (size in bytes, value) runs; returns where it starts.
  static uint32_t pc_values(std::vector<uint8_t>& values, const std::vector<std::pair<uint32_t, int32_t>>& runs) {
    const auto start = static_cast<uint32_t>(values.size());
    int32_t last = -1;
    for (const auto& [size, value] : runs) {
      const int32_t delta = value - last;
      uleb(values, static_cast<uint32_t>(delta < 0 ? ~delta * 2 + 1 : delta * 2));
      uleb(values, size);
      last = value;
    }
    values.push_back(0);
    return start;
  }
  [[nodiscard]] uint8_t magic() const {
    return version_ == Version::k116 ? 0xfa : version_ == Version::k118 ? 0xf0 : 0xf1;
  }
  // A _func with three pc-value tables, the last the inline one, and four funcdata, the last the inline tree.
  void record(std::vector<uint8_t>& bytes, uint32_t entry, uint32_t name, uint32_t file, uint32_t line,
              uint32_t inlined) {
    const auto u32 = [&bytes](uint32_t value) { TestFile::append(bytes, value); };
    if (version_ == Version::k116) {
      TestFile::append(bytes, kText + entry);
    } else {
      u32(entry);
    }
    for (const uint32_t value : {name, 0U, 0U, 0U, file, line, 3U, 0U}) u32(value);
    if (version_ == Version::k120) u32(9);  // start line
    u32(0x04000000);                        // function id, flag, padding, four funcdata
    for (const uint32_t value : {0U, 0U, inlined}) u32(value);
    if (version_ == Version::k116) {
      bytes.resize(pad(bytes.size()));
      for (const uint64_t value : {uint64_t{0}, uint64_t{0}, uint64_t{0}, kInlineBase}) TestFile::append(bytes, value);
    } else {
      for (const uint32_t value : {~0U, ~0U, ~0U, 0U}) u32(value);
    }
  }
  // main.middle is called at byte 15 of main.outer (line 10), main.inner at byte 16 (line 21, in main.middle).
  [[nodiscard]] std::vector<uint8_t> tree() const {
    std::vector<uint8_t> bytes;
    for (const auto& [name, parent] : {std::pair{11U, 15U}, std::pair{23U, 16U}}) {
      if (version_ != Version::k120)
        for (int i = 0; i < 3; ++i) TestFile::append(bytes, 0U);  // parent, file, line
      else
        TestFile::append(bytes, 0U);  // function id
      TestFile::append(bytes, name);
      TestFile::append(bytes, parent);
      if (version_ == Version::k120) TestFile::append(bytes, 1U);  // start line
    }
    return bytes;
  }
  [[nodiscard]] std::vector<uint8_t> module(uint64_t names_at) const {
    std::vector<uint64_t> words(64, 0);
    words[0] = kTable;
    words[1] = kTable + names_at;
    words[22] = kText;
    words[version_ == Version::k118 ? 38 : 40] = kInlineBase;
    std::vector<uint8_t> bytes(words.size() * 8);
    std::memcpy(bytes.data(), words.data(), bytes.size());
    return bytes;
  }

  Version version_;
};

class GoSymbolsVersions : public testing::TestWithParam<Version> {};

std::string chain(const GoSymbols& go, uint64_t address) {
  std::string all;
  for (const SourceFrame& frame : go.lookup({address}))
    all +=
        fmt::format("{}{}:{}{}", all.empty() ? "" : " > ", frame.function, frame.line, frame.inlined ? " inlined" : "");
  return all;
}

TEST_P(GoSymbolsVersions, NamesFunctionsAndInlinedCalls) {
  const Image image = TableBuilder(GetParam()).file().image();
  const auto go = GoSymbols::find(image);
  ASSERT_TRUE(go);
  EXPECT_EQ(go->function_count(), 2U);
  EXPECT_EQ(chain(*go, kText), "main.outer:10");
  EXPECT_EQ(chain(*go, kText + 17), "main.outer:10 > main.middle:21 inlined");
  EXPECT_EQ(chain(*go, kText + 24), "main.outer:10 > main.middle:21 inlined > main.inner[...]:30 inlined");
  EXPECT_EQ(chain(*go, kText + 63), "main.outer:12");
  EXPECT_EQ(chain(*go, kText + 64), "main.next:0");
  EXPECT_EQ(chain(*go, kText + 96), "");
  EXPECT_EQ(chain(*go, kText - 1), "");
  EXPECT_EQ(go->lookup({kText})[0].file, "main.go");
}

TEST_P(GoSymbolsVersions, BearsDamage) {
  const auto bytes = TableBuilder(GetParam()).file().bytes();
  for (size_t i = 0x1000; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] ^= 0xffU;
    const auto image = Image::from_memory(std::move(damaged));
    if (!image) continue;
    const auto go = GoSymbols::find(*image);
    for (uint64_t pc = kText; go && pc < kText + 96; pc += 8) EXPECT_LE(go->lookup({pc}).size(), 65U);
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoSymbolsVersions, testing::Values(Version::k116, Version::k118, Version::k120));

TEST(GoSymbols, IsNotFoundInOtherFiles) {
  TestFile file;
  file.code(".text", kText, std::vector<uint8_t>(96));
  const Image image = file.image();
  EXPECT_FALSE(GoSymbols::find(image));
  EXPECT_TRUE(go_tables(image).empty());
}

}  // namespace
}  // namespace gp::elf
