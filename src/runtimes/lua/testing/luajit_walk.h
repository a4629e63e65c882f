// The LuaJIT walker of bpf/walk built natively, over any memory.
#pragma once

#include "runtimes/testing/walk_world.h"

// The walker is C.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include "bpf/walk/luajit.h"
#pragma GCC diagnostic pop

namespace gp::runtimes::lua {

// One walk. Where the walker hands over to native code, that is taken as walked: the next activation is met.
struct LuajitWalk {
  gp_walk state{};
  uint32_t turns = 0;
  std::vector<uint32_t> handed_over;  // frames there were whenever native code went on

  void set(uint8_t reg, uint64_t value) {
    state.registers.value[reg] = value;
    state.registers.valid |= 1U << reg;
  }

  // `activations`: their C frames, innermost first, all at a call of C unless `registers` say otherwise. `drain`: after a
  // miss, nothing is handed over and the end that is set stays.
  void run(WalkWorld& world, std::span<const uint64_t> activations, bool drain = false) {
    constexpr uint32_t kMaxTurns = 2 * GP_MAX_FRAMES;  // as the kernel's driver
    current_world = &world;
    state.runtime[GP_RUNTIME_LUAJIT] = 1;
    state.pid = 1;
    state.start_ticks = 1;
    if (!drain) state.unwinder = GP_RUNTIME_LUAJIT;
    size_t at = 0;
    if (!activations.empty()) set(GP_REG_RSP, activations[0]);
    while (turns < kMaxTurns) {
      ++turns;
      if (gp_luajit_step(&state) != 0 || gp_is_done(&state, GP_RUNTIME_LUAJIT)) break;
      if (!drain && state.unwinder == GP_RUNTIME_NONE) {
        state.found.file = 1;  // in the interpreter
        if (state.pass_eval != GP_EVAL_UNSEEN) {
          handed_over.push_back(state.frames);
          if (++at >= activations.size()) break;
          set(GP_REG_RSP, activations[at]);
          state.registers.valid = 1U << GP_REG_RSP;
          state.registers.is_return = 1;
          state.pass_eval = GP_EVAL_UNSEEN;
        }
      }
      state.unwinder = GP_RUNTIME_LUAJIT;
    }
    current_world = nullptr;
  }

  // Goes on as if native unwinding had missed a rule.
  void drain(WalkWorld& world) {
    state.drain = 1;
    state.luajit.inside = 0;
    run(world, {}, true);
  }

  [[nodiscard]] std::vector<gp_frame> frames() const {
    return {state.record.frames, state.record.frames + state.frames};
  }
};

}  // namespace gp::runtimes::lua
