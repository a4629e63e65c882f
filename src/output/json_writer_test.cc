#include "output/json_writer.h"

#include <gtest/gtest.h>

namespace gp::output {
namespace {

TEST(JsonWriter, SeparatesAsPythonDoes) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("a", 1).key("b").begin_array().value("x").null().value(true).end_array();
  json.key("c").begin_object().end_object().key("d").begin_array().end_array().member("e", -5).end_object();
  EXPECT_EQ(out, R"({"a": 1, "b": ["x", null, true], "c": {}, "d": [], "e": -5})");
}

TEST(JsonWriter, EscapesToAscii) {
  std::string out;
  JsonWriter(out).value(std::string_view("\"\\\n\r\t\b\f\x01 \x7f é 😀 \xff"));
  EXPECT_EQ(out, "\"\\\"\\\\\\n\\r\\t\\b\\f\\u0001 \\u007f \\u00e9 \\ud83d\\ude00 \\\\xff\"");
}

}  // namespace
}  // namespace gp::output
