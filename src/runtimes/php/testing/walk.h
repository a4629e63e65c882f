// The PHP walker of bpf/walk built natively, over any memory.
#pragma once

#include "runtimes/testing/walk_world.h"

// The walker is C.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include "bpf/walk/php.h"
#pragma GCC diagnostic pop

namespace gp::runtimes::php {

// One walk of a process' calls. Where the walker hands over to native code, that is taken as walked.
struct PhpWalk {
  gp_walk state{};
  uint32_t turns = 0;
  std::vector<uint32_t> handed_over;  // frames there were whenever native code went on

  // What the loop has in its registers when it runs `call` at `opline`.
  void set_live(uint64_t call, uint64_t opline) {
    state.registers.value[GP_PHP_REG_CALL] = call;
    state.registers.value[GP_PHP_REG_OPLINE] = opline;
    state.registers.valid |= GP_PHP_REGS;
  }

  // `drain`: nothing is handed over and the end that is set stays.
  void run(WalkWorld& world, gp_drain drain = GP_DRAIN_NOT) {
    constexpr uint32_t kMaxTurns = 2 * GP_MAX_FRAMES;  // as the kernel's driver
    current_world = &world;
    state.runtime[GP_RUNTIME_PHP] = 1;
    state.pid = 1;
    state.start_ticks = 1;
    state.unwinder = GP_RUNTIME_PHP;
    state.drain = drain;
    if (drain != GP_DRAIN_NOT) {
      state.unwinder = GP_RUNTIME_NONE;
      static_cast<void>(gp_drain_next(&state));
    }
    while (turns < kMaxTurns) {
      ++turns;
      if (gp_php_step(&state) != 0 || gp_is_done(&state, GP_RUNTIME_PHP)) break;
      if (state.unwinder == GP_RUNTIME_NONE) handed_over.push_back(state.frames);
      state.unwinder = GP_RUNTIME_PHP;
    }
    current_world = nullptr;
  }

  [[nodiscard]] std::vector<gp_frame> frames() const {
    return {state.record.frames, state.record.frames + state.frames};
  }
};

}  // namespace gp::runtimes::php
