// Finds luaV_execute(), the interpreter loop, which no program exports, and where it keeps what it works on. Patterns
// are of GCC's and Clang's x86-64 code; what was found is checked against live memory whenever it is used.
// Owner thread: loader.
#pragma once

#include <array>
#include <optional>

#include "bpf/abi/lua.h"
#include "elf/cold_part.h"
#include "elf/image.h"

namespace gp::runtimes::lua {

struct Loop {
  elf::CodeRange code;
  gp_lua_place state{};           // where it has its lua_State
  gp_lua_place pc{};              // the instruction behind the one that runs
  gp_lua_place at{};              // the CallInfo it runs; 5.1: the closure
  std::array<Vaddr, 2> unroll{};  // where it returns to in unroll(), which goes on with what a coroutine suspended
};

// `lua`: the offsets of the version. Nothing when there is no such function, or it does not say where its state is.
std::optional<Loop> find_loop(const elf::Image& image, const gp_lua& lua);

}  // namespace gp::runtimes::lua
