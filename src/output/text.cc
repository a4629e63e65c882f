#include "output/text.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>

namespace gp::output {

namespace {

void append_hex(std::string_view bytes, std::string& out) {
  for (const char byte : bytes) fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<uint8_t>(byte));
}

bool is_control(char32_t code) { return code < 0x20 || code == 0x7f; }

bool moves_a_terminal(char32_t code) {
  return is_control(code) || (code >= 0x80 && code <= 0x9f) || (code >= 0x202a && code <= 0x202e) ||
         (code >= 0x2066 && code <= 0x2069);
}

std::string escape(std::string_view text, bool (*unwanted)(char32_t)) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text, at);
    const std::string_view bytes = text.substr(at, c.bytes == 0 ? 1 : c.bytes);
    if (c.bytes == 0 || unwanted(c.code)) {
      append_hex(bytes, out);
    } else {
      out += bytes;
    }
    at += bytes.size();
  }
  return out;
}

}  // namespace

Utf8Char utf8_at(std::string_view text, size_t position) {
  const auto byte = [&](size_t offset) -> uint32_t {
    return position + offset < text.size() ? static_cast<uint8_t>(text[position + offset]) : 0;
  };
  const uint32_t lead = byte(0);
  if (lead < 0x80) return {static_cast<char32_t>(lead), position < text.size() ? size_t{1} : size_t{0}};
  const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4) return {};
  uint32_t code = lead & (0xffU >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {};
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  const bool overlong = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  if (overlong || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {static_cast<char32_t>(code), bytes};
}

std::string escape_bytes(std::string_view text) { return escape(text, is_control); }

std::string escape_part(std::string_view text) {
  std::string out = escape_bytes(text);
  for (char& c : out) {
    if (c == ';') c = '|';
  }
  return out;
}

std::string escape_terminal(std::string_view text) { return escape(text, moves_a_terminal); }

std::string iso_seconds(int64_t unix_ns) {
  using namespace std::chrono;
  const sys_seconds time = floor<seconds>(sys_time<nanoseconds>(nanoseconds(unix_ns)));
  const sys_days day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

}  // namespace gp::output
