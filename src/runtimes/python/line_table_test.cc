#include "runtimes/python/line_table.h"

#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include "runtimes/python/offsets.h"
#include "runtimes/python/testing/installed.h"
#include "runtimes/python/version.h"

namespace gp::runtimes::python {
namespace {

// Of `dis.findlinestarts` of CPython 3.9 for a function whose loop goes back: (0, 5), (8, 7), (20, 6).
TEST(Lnotab, GoesForwardAndBack) {
  const std::vector<uint8_t> table{8, 2, 12, 0xff};
  EXPECT_EQ(lnotab_line(table, 5, 0, true), 5U);
  EXPECT_EQ(lnotab_line(table, 5, 7, true), 5U);
  EXPECT_EQ(lnotab_line(table, 5, 8, true), 7U);
  EXPECT_EQ(lnotab_line(table, 5, 20, true), 6U);
  EXPECT_EQ(lnotab_line(table, 5, 4000, true), 6U);
}

TEST(Lnotab, OnlyGrowsBefore36) {
  const std::vector<uint8_t> table{6, 255, 0, 45, 10, 1};
  EXPECT_EQ(lnotab_line(table, 1, 5, false), 1U);
  EXPECT_EQ(lnotab_line(table, 1, 6, false), 301U);
  EXPECT_EQ(lnotab_line(table, 1, 16, false), 302U);
}

TEST(Lnotab, SurvivesBrokenTables) {
  EXPECT_EQ(lnotab_line({}, 3, 10, true), 3U);
  EXPECT_EQ(lnotab_line(std::vector<uint8_t>{1}, 3, 10, true), 3U);
  EXPECT_EQ(lnotab_line(std::vector<uint8_t>{0, 0x80}, 3, 10, true), 0U);
}

TEST(Linetable310, SaysWhichCodeHasNoLine) {
  // Bytes 0-5 line 10, 6-7 none, 8-11 line 12, 12-13 the same, 14-15 line 9.
  const std::vector<uint8_t> table{6, 0, 2, 0x80, 4, 2, 2, 0, 2, 0xfd};
  EXPECT_EQ(linetable_line(table, 10, 0), 10U);
  EXPECT_EQ(linetable_line(table, 10, 2), 10U);
  EXPECT_EQ(linetable_line(table, 10, 3), std::nullopt);
  EXPECT_EQ(linetable_line(table, 10, 4), 12U);
  EXPECT_EQ(linetable_line(table, 10, 6), 12U);
  EXPECT_EQ(linetable_line(table, 10, 7), 9U);
  EXPECT_EQ(linetable_line(table, 10, 8), std::nullopt);  // behind its end
  EXPECT_EQ(linetable_line(table, 10, UINT32_MAX), std::nullopt);
  EXPECT_EQ(linetable_line({}, 10, 0), std::nullopt);
}

// Prints of every function of some modules its first line, its table, and the line of each of its units as Python tells it:
// bytes, from 3.10 on code units.
constexpr const char* kTellLines = R"(
from __future__ import print_function
import types, argparse, decimal, json.decoder, unittest.case, binascii, dis
def lines(code):
    if hasattr(code, 'co_lines'):
        return [line or 0 for start, end, line in code.co_lines() for _ in range(start, end, 2)]
    starts = list(dis.findlinestarts(code)) + [(len(code.co_code), 0)]
    return [line for (start, line), (end, _) in zip(starts, starts[1:]) for _ in range(start, end)]
def show(code):
    table = code.co_linetable if hasattr(code, 'co_lines') else code.co_lnotab
    print(code.co_firstlineno, binascii.hexlify(table).decode() or '-', *lines(code))
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            show(const)
for module in argparse, json.decoder, unittest.case:
    show(compile(open(module.__file__.replace('.pyc', '.py')).read(), 'x', 'exec'))
)";

// How many functions agree; a failure says which does not.
size_t count_agreeing(const Installed& python, uint16_t version) {
  std::istringstream told(output_of(python.executable + " -E -c \"" + kTellLines + "\""));
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
    for (uint32_t unit = 0; in >> expected; ++unit) {
      const uint32_t line = version == kPython310 ? linetable_line(table, first, unit).value_or(0)
                                                  : lnotab_line(table, first, unit, version >= kPython36);
      EXPECT_EQ(line, expected) << python.version << " unit " << unit;
      if (line != expected) return functions;
    }
    ++functions;
  }
  return functions;
}

TEST(LineTable, AgreesWithPython) {
  size_t checked = 0;
  for (const auto& python : installed_pythons()) {
    const uint16_t version = version_in_name("python" + python.version).number;
    if (version >= kPython311) continue;
    EXPECT_GT(count_agreeing(python, version), 100U) << python.executable;
    ++checked;
  }
  if (checked == 0) GTEST_SKIP() << "no CPython before 3.11 installed";
}

}  // namespace
}  // namespace gp::runtimes::python
