// Layouts of Lua's objects by version, in bytes; each cites the header it is from. Owner thread: any.
#pragma once

#include <cstdint>
#include <optional>

#include "bpf/abi/lua.h"

namespace gp::runtimes::lua {

// All of the struct but where the loop keeps things. Nothing for versions that are not walked (0x504 for 5.4).
std::optional<gp_lua> offsets_of(uint32_t version);

}  // namespace gp::runtimes::lua
