#include "runtimes/python/location_table.h"

#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "runtimes/python/offsets.h"
#include "runtimes/python/testing/installed.h"
#include "runtimes/python/version.h"

namespace gp::runtimes::python {
namespace {

std::optional<uint32_t> line(const std::vector<uint8_t>& table, uint32_t unit) { return line_of(table, 100, unit); }

uint8_t head(unsigned kind, unsigned units) { return static_cast<uint8_t>(0x80U | kind << 3U | (units - 1U)); }

TEST(LocationTable, KnowsEveryKindOfEntry) {
  const std::vector<uint8_t> table = {
      head(0, 2),  0x12,                 // 0-1: short form, same line
      head(11, 1), 0,    9,              // 2: next line
      head(12, 1), 0,    9,              // 3: two lines on
      head(15, 3),                       // 4-6: no line
      head(13, 8), 0x03,                 // 7-14: one back
      head(14, 1), 0x44, 0x01, 0, 1, 1,  // 15: long form: 0x44 0x01 is 4 + (1 << 6) = 68: 34 on
  };
  EXPECT_EQ(line(table, 0), 100U);
  EXPECT_EQ(line(table, 1), 100U);
  EXPECT_EQ(line(table, 2), 101U);
  EXPECT_EQ(line(table, 3), 103U);
  EXPECT_EQ(line(table, 4), std::nullopt);
  EXPECT_EQ(line(table, 6), std::nullopt);
  EXPECT_EQ(line(table, 7), 102U);
  EXPECT_EQ(line(table, 14), 102U);
  EXPECT_EQ(line(table, 15), 136U);
  EXPECT_EQ(line(table, 16), std::nullopt);
  EXPECT_EQ(line({}, 0), std::nullopt);
}

TEST(LocationTable, SurvivesBrokenTables) {
  EXPECT_EQ(line({head(13, 1)}, 0), std::nullopt);                    // cut before its number
  EXPECT_EQ(line({head(13, 1), 0x7f, 0x7f, 0x7f}, 0), std::nullopt);  // a number without end
  EXPECT_EQ(line({head(13, 1), 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0x7f, 0}, 0), std::nullopt);  // far below line 0
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint8_t> table(random() % 64);
    for (auto& byte : table) byte = static_cast<uint8_t>(random());
    const auto found = line_of(table, static_cast<uint32_t>(random()), static_cast<uint32_t>(random() % 256));
    EXPECT_GT(found.value_or(1), 0U);
  }
}

// Every instruction of every function of some large modules has the line Python itself gives it.
TEST(LocationTable, AgreesWithPython) {
  const auto pythons = installed_pythons();
  if (pythons.empty()) GTEST_SKIP() << "no CPython 3.11-3.13 installed";
  constexpr const char* kScript = R"(
import types, argparse, dataclasses, decimal, typing, asyncio.base_events
def show(code):
    lines = [p[0] for p in code.co_positions()]
    print(code.co_firstlineno, code.co_linetable.hex(), *(l or 0 for l in lines))
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            show(const)
for module in argparse, dataclasses, typing, asyncio.base_events:
    show(compile(open(module.__file__).read(), 'x', 'exec'))
)";
  for (const auto& python : pythons) {
    if (version_in_name("python" + python.version).number < kPython311) continue;
    std::istringstream told(output_of(python.executable + " -I -c \"" + kScript + "\""));
    size_t functions = 0;
    std::string text;
    while (std::getline(told, text)) {
      std::istringstream in(text);
      uint32_t first = 0;
      std::string hex;
      in >> first >> hex;
      std::vector<uint8_t> table;
      for (size_t i = 0; i + 1 < hex.size(); i += 2)
        table.push_back(static_cast<uint8_t>(std::stoul(hex.substr(i, 2), nullptr, 16)));
      uint32_t expected = 0;
      for (uint32_t unit = 0; in >> expected; ++unit)
        ASSERT_EQ(line_of(table, first, unit).value_or(0), expected) << python.version << " unit " << unit;
      ++functions;
    }
    EXPECT_GT(functions, 500U) << python.executable;
  }
}

}  // namespace
}  // namespace gp::runtimes::python
