// The exact bytes of every format for one profile that holds every awkward case (tests/support/example_profile.cc).
#include "tests/support/golden.h"

#include <gtest/gtest.h>

#include <algorithm>

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

// Compared unpacked: another version of zlib packs differently.
TEST(Golden, Pprof) {
  const std::string packed = written(Format::kPprof, test::example_profile());
  EXPECT_EQ(packed.substr(4, 4), std::string(4, '\0')) << "a time stamp would make every file differ";
  test::expect_golden("example.pb", test::gunzip(packed));
}

TEST(Golden, DoesNotDependOnTheOrderOfStacks) {
  auto profile = test::example_profile();
  const std::string before = written(Format::kCollapsed, profile);
  std::ranges::reverse(profile.samples);
  EXPECT_EQ(written(Format::kCollapsed, profile), before);
}

}  // namespace
}  // namespace gp::output
