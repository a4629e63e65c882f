#include "output/json_writer.h"

#include "output/text.h"

namespace gp::output {

namespace {

void append_utf16(uint32_t unit, std::string& out) { fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit); }

void append_char(char32_t code, std::string& out) {
  switch (code) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\f': out += "\\f"; return;
    case '\b': out += "\\b"; return;
    default: break;
  }
  if (code >= 0x20 && code < 0x7f) {
    out += static_cast<char>(code);
  } else if (code < 0x10000) {
    append_utf16(code, out);
  } else {
    append_utf16(0xd800U + ((code - 0x10000U) >> 10U), out);
    append_utf16(0xdc00U + ((code - 0x10000U) & 0x3ffU), out);
  }
}

}  // namespace

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  quote(name);
  out_ += ": ";
  first_ = true;  // its value follows without a comma
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  separate();
  quote(text);
  return *this;
}

JsonWriter& JsonWriter::literal(std::string_view text) {
  separate();
  out_ += text;
  return *this;
}

JsonWriter& JsonWriter::enter(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::leave(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}

void JsonWriter::separate() {
  if (!first_) out_ += ", ";
  first_ = false;
}

void JsonWriter::quote(std::string_view text) {
  out_ += '"';
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text, at);
    if (c.bytes == 0) {
      fmt::format_to(std::back_inserter(out_), "\\\\x{:02x}", static_cast<uint8_t>(text[at]));
      ++at;
    } else {
      append_char(c.code, out_);
      at += c.bytes;
    }
  }
  out_ += '"';
}

}  // namespace gp::output
