// Layouts of LuaJIT's objects, in bytes (lj_obj.h, lj_jit.h and lj_frame.h of v2.1). Owner thread: any.
#pragma once

#include "bpf/abi/luajit.h"

namespace gp::runtimes::lua {

// Builds with references of 64 bits (LJ_GC64), which are the default since 2022. All but addresses and what is read from
// the interpreter's code.
gp_luajit luajit_offsets_64();
// Those with references of 32 bits: 2.1.0-beta3, as Debian had it until 2021.
gp_luajit luajit_offsets_32();

}  // namespace gp::runtimes::lua
