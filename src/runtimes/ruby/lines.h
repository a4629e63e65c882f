// The lines of a method's instructions, as Ruby keeps them (iseq.c: get_insn_info_succinct, succ_index_lookup).
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "targets/runtime.h"

namespace gp::runtimes::ruby {

// The table of a symbol record (struct gp_ruby_lines and what follows), with what did not fit taken from `memory`, if
// there. Empty when it is broken or holds no lines.
std::vector<uint8_t> complete_lines(Bytes table, const targets::MemoryReader* memory);

// The line of the instruction at a position (in words of code); 0 when the table does not say.
uint32_t line_at(Bytes table, uint32_t position);

}  // namespace gp::runtimes::ruby
