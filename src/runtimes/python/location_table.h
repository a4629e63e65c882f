// Lines of instructions: the location table of code objects (co_linetable) of CPython 3.11 and later.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace gp::runtimes::python {

// The line of code unit `unit` of a function that begins at `first_line`; nothing when the table says that the
// instruction has no line, ends before it, or is broken. Format: CPython's Objects/locations.md (3.11).
std::optional<uint32_t> line_of(Bytes table, uint32_t first_line, uint32_t unit);

}  // namespace gp::runtimes::python
