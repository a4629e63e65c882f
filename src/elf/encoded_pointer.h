// Pointers as exception tables encode them (LSB Core, "DWARF Exception Header Encoding").
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ids.h"

namespace gp::elf {

// What relative pointers are relative to.
struct PointerBases {
  Vaddr section;  // of byte 0 of the reader's bytes
  Vaddr data;     // DW_EH_PE_datarel
};

// Reads one pointer of `encoding` and makes it an address. Nothing for bytes past the end, for indirect
// pointers (their value lies in memory) and for encodings compilers do not emit here (textrel, funcrel,
// aligned).
std::optional<Vaddr> read_encoded_pointer(ByteReader& reader, uint8_t encoding, const PointerBases& bases);

// Reads the plain number of `encoding`'s format: the length of a range, a count.
std::optional<uint64_t> read_encoded_value(ByteReader& reader, uint8_t encoding);

}  // namespace gp::elf
