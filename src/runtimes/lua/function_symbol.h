// From a symbol record (bpf/abi/lua.h) to what frames are called. Owner thread: reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "targets/runtime.h"

namespace gp::runtimes::lua {

// Nothing when the record is broken. As debug.traceback() names them: what a function was called by, else
// "function <FILE:LINE>"; "main chunk".
std::optional<targets::CodeSymbol> decode_symbol(Bytes record);

// What a chunk's name says (lobject.c: luaO_chunkid, but files are not shortened): "@file", "=name", or source text.
std::string readable_source(std::string_view source);

// What a function without a name is called.
std::string defined_at(std::string_view file, uint32_t line);

}  // namespace gp::runtimes::lua
