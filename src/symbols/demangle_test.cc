#include "symbols/demangle.h"

#include <gtest/gtest.h>

namespace gp::symbols {
namespace {

TEST(Demangle, ReadsEachLanguage) {
  EXPECT_EQ(demangle("_ZNSt6vectorIiSaIiEE9push_backERKi"),
            "std::vector<int, std::allocator<int> >::push_back(int const&)");
  EXPECT_EQ(demangle("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE"), "core::fmt::Formatter::pad");
  EXPECT_EQ(demangle("_RNvCskwGfYPst2Cb_3foo16example_function"), "foo::example_function");
  EXPECT_EQ(demangle("_D3std5stdio7writelnFAyaZv"), "std.stdio.writeln(immutable(char)[])");
  EXPECT_EQ(demangle("_Znwm@plt"), "operator new(unsigned long)@plt");
}

TEST(Demangle, LeavesOtherNamesAlone) {
  for (const char* name : {"main", "", "_", "_Z", "_ZN", "_Zebra", "_D", "_R", "__libc_start_main",
                           "main.(*T).run.func1", "memcpy@plt", "@plt", "_ZN3fooE.x"})
    EXPECT_EQ(demangle(name), name);
}

TEST(Demangle, MergesPartsOfAFunction) {
  EXPECT_EQ(demangle("parse.part.0.isra.1.cold"), "parse");
  EXPECT_EQ(demangle("helper.llvm.8123456789"), "helper");
  EXPECT_EQ(demangle("_Z3fooi.constprop.0"), "foo(int)");
  EXPECT_EQ(demangle("_Z3fooi.__uniq.1234.llvm.1"), "foo(int)");
  EXPECT_EQ(demangle("lookup.5"), "lookup.5");  // a static of that name, not a clone
  EXPECT_EQ(demangle(".cold"), ".cold");
  EXPECT_EQ(demangle("my.colder"), "my.colder");
}

TEST(Demangle, KeepsNamesThatWouldPrintWithoutEnd) {
  std::string doubling = "_Z1fSt4pairIiiE";  // pair<pair<…>, pair<…>> by substitutions: twice as much each level
  constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (const char digit : kDigits) doubling += std::string("S_IS") + digit + "_S" + digit + "_E";
  EXPECT_EQ(demangle(doubling), doubling);

  std::string rust = "_RNvMC1aT";  // a tuple of two back references to the one before, again and again
  for (int i = 0; i < 40; ++i) rust += "TB6_B6_E";
  rust += "E1f";
  EXPECT_FALSE(demangle(rust).empty());

  std::string d = "_D1a1fF";
  for (int i = 0; i < 200; ++i) d += "HQdQe";
  EXPECT_FALSE(demangle(d + "Zv").empty());
}

TEST(Demangle, BearsDepthAndLength) {
  EXPECT_FALSE(demangle("_Z1f" + std::string(4000, 'P') + "i").empty());
  EXPECT_FALSE(demangle("_Z1fI" + std::string(4000, 'I')).empty());
  EXPECT_FALSE(demangle("_RC" + std::string(4000, 'T')).empty());
  const std::string longer = "_Z" + std::string(1U << 20U, '1');
  EXPECT_EQ(demangle(longer), longer);
  std::string templates = "_Z1fI";  // many template lists and many references to their parameters
  for (int i = 0; i < 600; ++i) templates += "1aIRT_E";
  EXPECT_FALSE(demangle(templates + "E").empty());
}

}  // namespace
}  // namespace gp::symbols
