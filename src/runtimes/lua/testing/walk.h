// The Lua walker of bpf/walk built natively, over any memory.
#pragma once

#include "runtimes/testing/walk_world.h"

// The walker is C.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include "bpf/walk/lua.h"
#pragma GCC diagnostic pop

namespace gp::runtimes::lua {

constexpr uint8_t kStateRegister = 3;  // where activations of tests have their state,
constexpr uint8_t kPcRegister = 12;    // their instruction,
constexpr uint8_t kAtRegister = 13;    // and the call they run

// One walk. Where the walker hands over to native code, that is taken as walked: the next activation is of the same
// coroutine until that has no calls left.
struct LuaWalk {
  gp_walk state{};
  uint32_t turns = 0;
  std::vector<uint32_t> handed_over;  // frames there were whenever native code went on

  void set(uint8_t reg, uint64_t value) {
    state.registers.value[reg] = value;
    state.registers.valid |= 1U << reg;
  }

  // `coroutines`: innermost first. `drain`: after a miss, nothing is handed over and the end that is set stays.
  void run(WalkWorld& world, std::span<const uint64_t> coroutines, bool drain = false) {
    constexpr uint32_t kMaxTurns = 2 * GP_MAX_FRAMES;  // as the kernel's driver
    current_world = &world;
    state.runtime[GP_RUNTIME_LUA] = 1;
    state.pid = 1;
    state.start_ticks = 1;
    if (!drain) state.unwinder = GP_RUNTIME_LUA;
    size_t at = 0;
    if (!coroutines.empty()) set(kStateRegister, coroutines[0]);
    while (turns < kMaxTurns) {
      ++turns;
      if (gp_lua_step(&state) != 0 || gp_is_done(&state, GP_RUNTIME_LUA)) break;
      if (!drain && state.unwinder == GP_RUNTIME_NONE) {
        handed_over.push_back(state.frames);
        if (state.lua.call.address == 0 && state.lua.broken == 0) {
          if (++at >= coroutines.size()) break;
          set(kStateRegister, coroutines[at]);
        }
        state.registers.is_return = 1;
      }
      state.unwinder = GP_RUNTIME_LUA;
    }
    current_world = nullptr;
  }

  // Goes on as if native unwinding had missed a rule.
  void drain(WalkWorld& world) {
    state.drain = 1;
    state.lua.inside = 0;
    run(world, {}, true);
  }

  [[nodiscard]] std::vector<gp_frame> frames() const {
    return {state.record.frames, state.record.frames + state.frames};
  }
};

}  // namespace gp::runtimes::lua
