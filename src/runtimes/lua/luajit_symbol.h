// From a symbol record of LuaJIT (bpf/abi/luajit.h) to what frames are called. Owner thread: reader.
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "targets/runtime.h"

namespace gp::runtimes::lua {

// Nothing when the record is broken. Names as function_symbol.h has them.
std::optional<targets::CodeSymbol> decode_luajit_symbol(Bytes record);

// The variable in register `slot` at instruction `position` (lj_debug.c: debug_varname); empty: none, or not known.
// `packed`: GCproto.varinfo, or its beginning.
std::string luajit_local(Bytes packed, uint32_t position, uint32_t slot);
// The n-th upvalue (lj_debug_uvname). `packed`: GCproto.uvinfo.
std::string luajit_upvalue(Bytes packed, uint32_t number);

}  // namespace gp::runtimes::lua
