// ELF notes (gABI "Note Section").
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace gp::elf {

// The description of the first note of that owner (without its NUL) and type; empty when there is none.
// `align`: 4, or 8 in segments that say so.
Bytes find_note(Bytes notes, uint64_t align, std::string_view owner, uint32_t type);

}  // namespace gp::elf
