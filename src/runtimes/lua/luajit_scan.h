// Finds LuaJIT's interpreter, which is one piece of assembly without symbols, and reads from its code what differs from
// build to build. Patterns are those of vm_x64.dasc and vm_x86.dasc. Owner thread: loader.
#pragma once

#include <optional>

#include "bpf/abi/luajit.h"
#include "elf/cold_part.h"
#include "elf/image.h"

namespace gp::runtimes::lua {

// The interpreter by its size, and by how often it begins activations.
std::optional<elf::CodeRange> find_interpreter(const elf::Image& image);

// What is known of it, but for addresses; `loop` counts from where it begins. Nothing when it is not like those we know.
std::optional<gp_luajit> read_interpreter(Bytes code);

}  // namespace gp::runtimes::lua
