#include "runtimes/ruby/code_symbol.h"

#include <gtest/gtest.h>

#include "runtimes/ruby/offsets.h"

namespace gp::runtimes::ruby {
namespace {

TEST(RubyCodeSymbol, MethodsAreQualifiedWithTheirClass) {
  EXPECT_EQ(qualified("run", "Foo::Bar", false), "Foo::Bar#run");
  EXPECT_EQ(qualified("run", "Foo", true), "Foo.run");
  EXPECT_EQ(qualified("block in run", "Foo", false), "block in Foo#run");
  EXPECT_EQ(qualified("block (2 levels) in run", "Foo", true), "block (2 levels) in Foo.run");
  EXPECT_EQ(qualified("rescue in block in run", "Foo", false), "rescue in block in Foo#run");
  EXPECT_EQ(qualified("ensure in run", "Foo", false), "ensure in Foo#run");
}

TEST(RubyCodeSymbol, OtherLabelsStay) {
  EXPECT_EQ(qualified("<main>", "Foo", false), "<main>");
  EXPECT_EQ(qualified("block in <class:Foo>", "Foo", false), "block in <class:Foo>");
  EXPECT_EQ(qualified("run", "", false), "run");
  EXPECT_EQ(qualified("", "Foo", false), "");
  EXPECT_EQ(qualified("block (", "Foo", false), "Foo#block (");
  EXPECT_EQ(qualified("blocked", "Foo", false), "Foo#blocked");
  EXPECT_EQ(qualified("block", "Foo", false), "Foo#block");
}

TEST(RubyCodeSymbol, VersionsAreToldByTheirNumber) {
  EXPECT_EQ(version_number("2.7.4"), 0x0207);
  EXPECT_EQ(version_number("3.3.8"), 0x0303);
  EXPECT_EQ(version_number("4.0"), 0x0400);
  for (const char* text : {"", "3", "x.y", ".1", "300.1"}) EXPECT_EQ(version_number(text), 0) << text;
  EXPECT_TRUE(offsets_of(0x0301));
  EXPECT_TRUE(offsets_of(0x0304));
  EXPECT_FALSE(offsets_of(0x0400));
}

}  // namespace
}  // namespace gp::runtimes::ruby
