// Lines of Lua functions, in the tables of Proto (lobject.h, ldebug.c). Owner thread: the closer's.
#pragma once

#include <cstdint>

#include "targets/runtime.h"

namespace gp::runtimes::lua {

// `where`: as in a frame's `extra` (bpf/abi/lua.h). 0: not known.
uint32_t line_at(const targets::CodeSymbol& symbol, uint32_t where);

}  // namespace gp::runtimes::lua
