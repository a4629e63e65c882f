#include "output/text.h"

#include <gtest/gtest.h>

namespace gp::output {
namespace {

TEST(Utf8, ReadsOneToFourBytes) {
  EXPECT_EQ(utf8_at("a", 0).bytes, 1U);
  EXPECT_EQ(utf8_at("é", 0).code, U'é');
  EXPECT_EQ(utf8_at("計", 0).bytes, 3U);
  EXPECT_EQ(utf8_at("😀", 0).code, U'😀');
}

TEST(Utf8, RefusesWhatTheStandardRefuses) {
  for (const std::string_view bad : {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xed\xa0\x80",
                                     "\xf4\x90\x80\x80", "\xf5", "\xc3", "\xe2\x82", "\xe2\x28\xa1", ""}) {
    EXPECT_EQ(utf8_at(bad, 0).bytes, 0U) << testing::PrintToString(bad);
  }
}

TEST(Escape, KeepsTextAndShowsBytesThatAreNone) {
  EXPECT_EQ(escape_bytes("größe 計算"), "größe 計算");
  EXPECT_EQ(escape_bytes("a\nb\t\x1b[31m\x7f"), "a\\x0ab\\x09\\x1b[31m\\x7f");
  EXPECT_EQ(escape_bytes("caf\xe9"), "caf\\xe9");
  EXPECT_EQ(escape_bytes(std::string_view("nul\0", 4)), "nul\\x00");
}

TEST(Escape, KeepsSeparatorsOutOfParts) { EXPECT_EQ(escape_part("f(a;b) \n"), "f(a|b) \\x0a"); }

TEST(Escape, KeepsTerminalsFromActing) {
  EXPECT_EQ(escape_terminal("\xc2\x9b"
                            "31m"),
            "\\xc2\\x9b31m");
  EXPECT_EQ(escape_terminal("a\xe2\x80\xae"
                            "b"),
            "a\\xe2\\x80\\xaeb");
}

TEST(IsoSeconds, RoundsDownInUtc) {
  EXPECT_EQ(iso_seconds(1'785'924'930'999'999'999), "2026-08-05T10:15:30");
  EXPECT_EQ(iso_seconds(0), "1970-01-01T00:00:00");
  EXPECT_EQ(iso_seconds(-1), "1969-12-31T23:59:59");
}

}  // namespace
}  // namespace gp::output
