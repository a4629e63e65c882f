#include "runtimes/python/location_table.h"

namespace gp::runtimes::python {
namespace {

// Kinds of entries that say a line; the rest (short forms) stay on the line before.
enum Kind : uint8_t { kOneLine0 = 10, kOneLine2 = 12, kNoColumns = 13, kLong = 14, kNone = 15 };

// Six bits a byte, least significant first; bit 6: more follow. At most 32 bits are kept.
uint32_t read_varint(ByteReader& reader) {
  uint32_t value = 0;
  for (unsigned shift = 0; shift < 36; shift += 6) {
    const auto byte = reader.read<uint8_t>();
    if (shift < 32) value |= uint32_t{byte & 0x3fU} << shift;
    if ((byte & 0x40) == 0) break;
  }
  return value;
}

// Sign in the lowest bit.
int64_t read_signed_varint(ByteReader& reader) {
  const uint32_t value = read_varint(reader);
  return (value & 1) != 0 ? -int64_t{value >> 1U} : int64_t{value >> 1U};
}

// How far the line of an entry is from that of the entry before it. The columns that follow are left unread.
int64_t line_delta(uint8_t kind, ByteReader& reader) {
  if (kind == kNoColumns || kind == kLong) return read_signed_varint(reader);
  if (kind >= kOneLine0 && kind <= kOneLine2) return kind - kOneLine0;
  return 0;
}

}  // namespace

std::optional<uint32_t> line_of(Bytes table, uint32_t first_line, uint32_t unit) {
  int64_t line = first_line;
  uint64_t end = 0;  // code units up to and with the entry at hand
  ByteReader reader(table);
  while (reader.remaining() > 0) {
    const auto head = reader.read<uint8_t>();
    if ((head & 0x80) == 0) continue;  // only first bytes of entries have this bit: the rest of the entry before
    const auto kind = static_cast<uint8_t>((head >> 3U) & 15U);
    line += line_delta(kind, reader);
    end += (head & 7U) + 1U;
    if (unit >= end) continue;
    if (kind == kNone || !reader.ok() || line <= 0 || line > INT32_MAX) return std::nullopt;
    return static_cast<uint32_t>(line);
  }
  return std::nullopt;
}

}  // namespace gp::runtimes::python
