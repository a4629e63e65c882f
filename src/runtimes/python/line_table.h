// Lines of instructions before CPython 3.11: the tables of code objects that hold lines alone.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace gp::runtimes::python {

// co_lnotab of 3.9 and before: the line of the instruction at byte `at` of a function that begins at `first_line`. Before
// 3.6 lines only grow (`signed_lines` is false). Format: CPython's Objects/lnotab_notes.txt of 3.9.
uint32_t lnotab_line(Bytes table, uint32_t first_line, uint32_t at, bool signed_lines);

// co_linetable of 3.10: of code unit `unit`; nothing when the table says that it has no line, or ends before it.
// Format: Objects/lnotab_notes.txt of 3.10.
std::optional<uint32_t> linetable_line(Bytes table, uint32_t first_line, uint32_t unit);

}  // namespace gp::runtimes::python
