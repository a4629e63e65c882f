// Finds what Ruby's interpreter does not export (from 3.2 on nearly everything) in the code of functions it does
// export. Patterns are of GCC's and Clang's x86-64 code; what is found is checked against what it has to look like.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ids.h"
#include "elf/cold_part.h"
#include "elf/image.h"

namespace gp::runtimes::ruby {

// ruby_global_symbols: what rb_id2str(), or the function it jumps to, looks up (symbol.c: get_id_serial_entry).
std::optional<Vaddr> find_symbol_table(const elf::Image& image, Vaddr id_to_string);

// Where the file has a string, with its end, in a section of its own address; nothing when it has none.
std::optional<Vaddr> find_literal(const elf::Image& image, std::string_view text);

// The interpreter loop, vm_exec_core(): the function that keeps storing r14 where r15 points, the program counter into
// the control frame (vm_exec.c: DECL_SC_REG; vm_insnhelper.h: SET_PC).
std::optional<elf::CodeRange> find_loop(const elf::Image& image);

}  // namespace gp::runtimes::ruby
