// Where a PCRE2 in a file calls what it compiled, x86-64: by the name of pcre2_jit_match or, where that is hidden, by its
// code. Owner thread: any.
#pragma once

#include <optional>
#include <vector>

#include "base/ids.h"
#include "elf/image.h"

namespace gp::runtimes::pcre {

// The addresses behind the indirect calls in a piece of code that begins at `address`. Not each need be one: bytes of
// another instruction may look like a call.
std::vector<Vaddr> return_sites(Bytes code, Vaddr address);

// Whether a function begins by making room for MACHINE_STACK_SIZE, 32 KiB (pcre2_jit_compile.c), as jit_machine_stack_exec
// does (pcre2_jit_match.c), which calls a pattern on the machine's stack.
bool has_machine_stack(Bytes code);

// The addresses behind the calls of a compiled pattern, of all PCREs in the file. Nothing when it holds none; empty when
// it does and they are not known.
std::optional<std::vector<Vaddr>> find_sites(const elf::Image& image);

}  // namespace gp::runtimes::pcre
