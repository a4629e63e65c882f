// The exact bytes of every format for one profile that holds every awkward case (tests/support/example_profile.cc).
#include "tests/support/golden.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "output/html.h"
#include "output/output.h"
#include "tests/support/example_profile.h"

namespace gp::output {
namespace {

std::string written(Format format, const profile::Profile& profile) {
  StringSink sink;
  write(format, profile, sink);
  return sink.text();
}

TEST(Golden, Collapsed) { test::expect_golden("example.col", written(Format::kCollapsed, test::example_profile())); }

TEST(Golden, CollapsedOfNothing) { test::expect_golden("empty.col", written(Format::kCollapsed, {})); }

TEST(Collapsed, TellsOfExternalProfilers) {
  profile::Profile profile;
  profile.tools = {{.name = "rbspy", .processes = 1, .samples = 20, .failures = {{"rbspy: \"late\"", 2}}}};
  EXPECT_NE(
      written(Format::kCollapsed, profile)
          .find(
              R"("external_profilers": [{"name": "rbspy", "processes": 1, "samples": 20, "failures": {"rbspy: \"late\"": 2}}])"),
      std::string::npos);
}

// Compared unpacked: another version of zlib packs differently.
TEST(Golden, Pprof) {
  const std::string packed = written(Format::kPprof, test::example_profile());
  EXPECT_EQ(packed.substr(4, 4), std::string(4, '\0')) << "a time stamp would make every file differ";
  test::expect_golden("example.pb", test::gunzip(packed));
}

// What is inside the page; the page around it is web/, tried in a browser by tests/browser.
TEST(Golden, HtmlData) { test::expect_golden("example.html.json", html_data(test::example_profile())); }

TEST(Html, HoldsItsDataAndNothingOfNames) {
  const std::string page = written(Format::kHtml, test::example_profile());
  EXPECT_EQ(page.find("{{"), std::string::npos);
  EXPECT_EQ(page.find("alert(1)"), std::string::npos);
  EXPECT_EQ(page.find("http://"), page.find("http://www.w3.org/2000/svg")) << "nothing is to be fetched";
  EXPECT_EQ(page.find("https://"), std::string::npos);
  const std::string open = R"(id="profile">)";
  const size_t from = page.find(open);
  ASSERT_NE(from, std::string::npos);
  const std::string data = page.substr(from + open.size(), page.find('<', from + open.size()) - from - open.size());
  EXPECT_EQ(data.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="),
            std::string::npos);
}

TEST(Golden, DoesNotDependOnTheOrderOfStacks) {
  auto profile = test::example_profile();
  const std::string before = written(Format::kCollapsed, profile);
  std::ranges::reverse(profile.samples);
  EXPECT_EQ(written(Format::kCollapsed, profile), before);
}

}  // namespace
}  // namespace gp::output
