// Names of foreign origin made fit for an output: they may hold anything, separators, control bytes and broken UTF-8
// included. Owner thread: none (pure functions).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gp::output {

// One character of UTF-8 as RFC 3629 defines it (no overlong forms, no surrogates, at most U+10FFFF).
struct Utf8Char {
  char32_t code = 0;
  size_t bytes = 0;  // 0: what stands there is not UTF-8
};
Utf8Char utf8_at(std::string_view text, size_t position);

// Control bytes (below 0x20, and 0x7f) and bytes that are not UTF-8 as \xNN; the rest as it is.
std::string escape_bytes(std::string_view text);

// The same for a part of a collapsed line: the separator ';' becomes '|' as well.
std::string escape_part(std::string_view text);

// The same for a terminal: the C1 controls (U+0080 to U+009F) and the marks that reorder text (U+202A to U+202E,
// U+2066 to U+2069) are escaped as well, for terminals act on them.
std::string escape_terminal(std::string_view text);

// The first 12 hex digits of a container id, as the collapsed format and people's tools shorten it.
inline std::string_view short_container_id(std::string_view id) { return id.substr(0, 12); }

// UTC as ISO 8601 to the second, without a zone: "2026-08-05T10:15:30".
std::string iso_seconds(int64_t unix_ns);

}  // namespace gp::output
