#include "output/terminal.h"

#include <gtest/gtest.h>

#include "output/hot_functions.h"
#include "output/text.h"
#include "tests/support/example_profile.h"
#include "tests/support/golden.h"

namespace gp::output {
namespace {

std::string summary(const profile::Profile& profile, const TerminalStyle& style) {
  std::string out;
  write_summary(profile, style, out);
  return out;
}

TEST(GoldenTerminal, Plain) { test::expect_golden("example.txt", summary(test::example_profile(), {})); }

TEST(GoldenTerminal, NarrowInColour) {
  test::expect_golden("example_narrow.txt", summary(test::example_profile(),
                                                    {.columns = 72, .colour = true, .functions = 8, .processes = 2}));
}

TEST(Terminal, SaysWhenThereIsNothing) { EXPECT_NE(summary({}, {}).find("no samples"), std::string::npos); }

TEST(Terminal, SaysWhatExternalProfilersBrought) {
  profile::Profile profile;
  profile.tools = {{.name = "py-spy", .processes = 2, .samples = 345, .failures = {{"exit code 1: \x1b[31mno", 3}}}};
  const std::string text = summary(profile, {.columns = 200});
  EXPECT_NE(text.find("  py-spy: the stacks of 2 processes, 345 samples; failed 3 times: exit code 1: "),
            std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Terminal, KeepsRowsInsideTheWidth) {
  for (const size_t columns : {60U, 80U, 132U}) {
    std::string_view rest;
    const std::string text = summary(test::demo_profile(2000), {.columns = columns});
    for (rest = text; !rest.empty();) {
      const std::string_view line = rest.substr(0, rest.find('\n'));
      size_t characters = 0;
      for (size_t at = 0; at < line.size(); at += utf8_at(line, at).bytes) ++characters;
      EXPECT_LE(characters, columns) << line;
      rest.remove_prefix(line.size() + 1);
    }
  }
}

TEST(HotFunctions, CountsRecursionOnceAndLeavesAsSelf) {
  const auto profile = test::example_profile();
  for (const auto& hot : hot_functions(profile)) {
    const auto& name = profile.functions[hot.function].name;
    if (name == "recurse" || name == "lister.Burner.burn") {
      EXPECT_EQ(hot.self, hot.total) << name;
    }
    if (name == "Loop::run()") {
      EXPECT_EQ(hot.self, 40U);
      EXPECT_EQ(hot.total, 72U);
    }
  }
}

}  // namespace
}  // namespace gp::output
