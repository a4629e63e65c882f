// The Lua walker of bpf/walk built natively, over any memory.
#pragma once

#include "runtimes/testing/walk.h"

GP_C_BEGIN
#include "bpf/walk/lua.h"
GP_C_END

namespace gp::runtimes::lua {

constexpr uint8_t kStateRegister = 3;  // where activations of tests have their state,
constexpr uint8_t kPcRegister = 12;    // their instruction,
constexpr uint8_t kAtRegister = 13;    // and the call they run

// One walk. The next activation is of the same coroutine until that has no calls left.
struct LuaWalk : Walk {
  // `coroutines`: innermost first.
  void run(WalkWorld& world, std::span<const uint64_t> coroutines) {
    begin(world, GP_RUNTIME_LUA);
    size_t at = 0;
    if (!coroutines.empty()) set_register(kStateRegister, coroutines[0]);
    turn(
        GP_RUNTIME_LUA, gp_lua_step, [] {},
        [&] {
          note_native();
          if (state.lua.call.address == 0 && state.lua.broken == 0) {
            if (++at >= coroutines.size()) return false;
            set_register(kStateRegister, coroutines[at]);
          }
          state.registers.is_return = 1;
          return true;
        });
  }

  // Goes on as if native unwinding had missed a rule.
  void drain(WalkWorld& world) {
    begin(world, GP_RUNTIME_LUA);
    state.drain = GP_DRAIN_FOR_LATER;
    state.lua.inside = 0;
    turn(GP_RUNTIME_LUA, gp_lua_step, [] {}, [] { return true; });
  }
};

}  // namespace gp::runtimes::lua
