// Writes JSON in one pass, in ASCII (other characters as \uXXXX), with ", " and ": " between things as Python's
// json.dumps puts them: readers of the collapsed header compare text. Foreign bytes that are not UTF-8 become the
// four characters \xNN. The caller keeps the nesting right. Owner thread: whoever writes.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace gp::output {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return enter('{'); }
  JsonWriter& end_object() { return leave('}'); }
  JsonWriter& begin_array() { return enter('['); }
  JsonWriter& end_array() { return leave(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool yes) { return literal(yes ? "true" : "false"); }
  JsonWriter& value(std::integral auto number) {
    separate();
    fmt::format_to(std::back_inserter(out_), "{}", number);
    return *this;
  }
  JsonWriter& null() { return literal("null"); }

  template <class T>
  JsonWriter& member(std::string_view name, const T& content) {
    return key(name).value(content);
  }

 private:
  JsonWriter& enter(char bracket);
  JsonWriter& leave(char bracket);
  JsonWriter& literal(std::string_view text);
  void separate();  // before a value or a key: a comma unless it is the first
  void quote(std::string_view text);

  std::string& out_;
  bool first_ = true;  // nothing stands before the next value in its object or array
};

}  // namespace gp::output
