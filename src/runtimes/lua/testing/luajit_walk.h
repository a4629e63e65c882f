// The LuaJIT walker of bpf/walk built natively, over any memory.
#pragma once

#include "runtimes/testing/walk.h"

GP_C_BEGIN
#include "bpf/walk/luajit.h"
GP_C_END

namespace gp::runtimes::lua {

// One walk: from one activation to the next.
struct LuajitWalk : Walk {
  // `activations`: their C frames, innermost first, all at a call of C unless `registers` say otherwise.
  void run(WalkWorld& world, std::span<const uint64_t> activations) {
    begin(world, GP_RUNTIME_LUAJIT);
    size_t at = 0;
    if (!activations.empty()) set_register(GP_REG_RSP, activations[0]);
    turn(
        GP_RUNTIME_LUAJIT, gp_luajit_step, [] {},
        [&] {
          state.found.file = 1;  // in the interpreter
          if (state.pass_eval == GP_EVAL_UNSEEN) return true;
          note_native();
          if (++at >= activations.size()) return false;
          state.registers.valid = 0;
          set_register(GP_REG_RSP, activations[at]);
          state.registers.is_return = 1;
          state.pass_eval = GP_EVAL_UNSEEN;
          return true;
        });
  }

  // Goes on as if native unwinding had missed a rule.
  void drain(WalkWorld& world) {
    begin(world, GP_RUNTIME_LUAJIT);
    state.drain = GP_DRAIN_FOR_LATER;
    state.luajit.inside = 0;
    turn(GP_RUNTIME_LUAJIT, gp_luajit_step, [] {}, [] { return true; });
  }
};

}  // namespace gp::runtimes::lua
