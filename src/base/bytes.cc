#include "base/bytes.h"

namespace gp {

uint64_t ByteReader::uleb128() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 70; shift += 7) {
    const auto byte = read<uint8_t>();
    if (!ok_) return 0;
    if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7fU) << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  stop();  // more than ten bytes cannot be a 64-bit number
  return 0;
}

int64_t ByteReader::sleb128() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 70;) {
    const auto byte = read<uint8_t>();
    if (!ok_) return 0;
    if (shift < 64) value |= static_cast<uint64_t>(byte & 0x7fU) << shift;
    shift += 7;
    if ((byte & 0x80U) == 0) {
      if ((byte & 0x40U) != 0 && shift < 64) value |= ~uint64_t{0} << shift;
      return static_cast<int64_t>(value);
    }
  }
  stop();
  return 0;
}

std::string_view ByteReader::c_string() {
  const auto text = string_at(bytes_, position_);
  if (!text) {
    stop();
    return {};
  }
  position_ += text->size() + 1;
  return *text;
}

}  // namespace gp
