// A walk of one runtime's frames by its unwinder (bpf/walk) built natively: what LANGUAGE/testing/walk.h builds upon.
#pragma once

#include <vector>

#include "runtimes/testing/walk_world.h"

GP_C_BEGIN
#include "bpf/walk/interpreter.h"
GP_C_END

namespace gp::runtimes {

// Where the walker hands over to native code, that is taken as walked. Owner thread: the world's.
struct Walk {
  gp_walk state{};
  uint32_t turns = 0;
  std::vector<uint32_t> handed_over;  // frames there were whenever native code went on

  void set_register(uint32_t number, uint64_t value) {
    state.registers.value[number] = value;
    state.registers.valid |= 1U << number;
  }
  [[nodiscard]] std::vector<gp_frame> frames() const {
    return {state.record.frames, state.record.frames + state.frames};
  }

 protected:
  // Draining, nothing is handed over and the end that is set stays.
  void begin(WalkWorld& world, gp_runtime kind, gp_drain drain = GP_DRAIN_NOT) {
    current_world = &world;
    state.runtime[kind] = 1;
    state.pid = 1;
    state.start_ticks = 1;
    state.unwinder = kind;
    state.drain = drain;
    if (drain == GP_DRAIN_NOT) return;
    state.unwinder = GP_RUNTIME_NONE;
    static_cast<void>(gp_drain_next(&state));
  }
  // One turn after the other as the kernel's driver takes them, `before` each; `native` is asked whether to go on when
  // native code does.
  template <class Before, class Native>
  void turn(gp_runtime kind, int (*step)(gp_walk*), Before before, Native native) {
    constexpr uint32_t kMaxTurns = 2 * GP_MAX_FRAMES;
    while (turns < kMaxTurns) {
      ++turns;
      before();
      if (step(&state) != 0 || gp_is_done(&state, kind)) break;
      if (state.unwinder == GP_RUNTIME_NONE && !native()) break;
      state.unwinder = kind;
    }
    current_world = nullptr;
  }
  void turn(gp_runtime kind, int (*step)(gp_walk*)) {
    turn(kind, step, [] {}, [this] { return note_native(); });
  }
  bool note_native() {
    handed_over.push_back(state.frames);
    return true;
  }
};

}  // namespace gp::runtimes
