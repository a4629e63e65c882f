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
  EXPECT_EQ(qualified("<=>", "Foo", false), "Foo#<=>");
  EXPECT_EQ(qualified("block in <", "Foo", false), "block in Foo#<");
  EXPECT_EQ(qualified("run", "", false), "run");
  EXPECT_EQ(qualified("", "Foo", false), "");
  EXPECT_EQ(qualified("block (", "Foo", false), "Foo#block (");
  EXPECT_EQ(qualified("blocked", "Foo", false), "Foo#blocked");
  EXPECT_EQ(qualified("block", "Foo", false), "Foo#block");
}

TEST(RubyCodeSymbol, VersionsAreToldByTheirNumber) {
  EXPECT_EQ(version_of("2.7.4")->number, 0x0207);
  EXPECT_EQ(version_of("3.3.11")->number, 0x0303);
  EXPECT_EQ(version_of("3.3.11")->patch, 11U);
  EXPECT_EQ(version_of("4.0")->number, 0x0400);
  EXPECT_EQ(version_of("4.0")->patch, 0U);
  for (const char* text : {"", "3", "x.y", ".1", "300.1"}) EXPECT_FALSE(version_of(text)) << text;
  for (const char* text : {"2.7.8", "3.0.7", "3.1.2", "3.2.11", "3.3.0", "3.4.12", "4.0.0"})
    EXPECT_TRUE(offsets_of(text)) << text;
  for (const char* text : {"2.6.10", "3.5.0", "4.1.0", "?"}) EXPECT_FALSE(offsets_of(text)) << text;
}

}  // namespace
}  // namespace gp::runtimes::ruby
