// The Perl walker of bpf/walk built natively, over any memory.
#pragma once

#include "runtimes/testing/walk_world.h"

// The walker is C.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include "bpf/walk/perl.h"
#pragma GCC diagnostic pop

namespace gp::runtimes::perl {

// One walk of a thread's contexts. Where the walker hands over to native code, that is taken as walked.
struct PerlWalk {
  gp_walk state{};
  uint32_t turns = 0;
  std::vector<uint32_t> handed_over;  // frames there were whenever native code went on
  std::vector<uint64_t> stack;  // where each activation's frame is, innermost first; the last one's for all others

  void set_register(uint32_t number, uint64_t value) {
    state.registers.value[number] = value;
    state.registers.valid |= 1U << number;
  }

  // `drain`: after a miss, nothing is handed over and the end that is set stays.
  void run(WalkWorld& world, bool drain = false) {
    constexpr uint32_t kMaxTurns = 2 * GP_MAX_FRAMES;  // as the kernel's driver
    current_world = &world;
    state.runtime[GP_RUNTIME_PERL] = 1;
    state.pid = 1;
    state.start_ticks = 1;
    state.unwinder = GP_RUNTIME_PERL;
    state.drain = drain ? 1 : 0;
    if (drain) {
      state.unwinder = GP_RUNTIME_NONE;
      static_cast<void>(gp_drain_next(&state));
    }
    while (turns < kMaxTurns) {
      ++turns;
      if (!stack.empty())
        set_register(GP_REG_RSP, handed_over.size() < stack.size() ? stack[handed_over.size()] : stack.back());
      if (gp_perl_step(&state) != 0 || gp_is_done(&state, GP_RUNTIME_PERL)) break;
      if (state.unwinder == GP_RUNTIME_NONE) handed_over.push_back(state.frames);
      state.unwinder = GP_RUNTIME_PERL;
    }
    current_world = nullptr;
  }

  [[nodiscard]] std::vector<gp_frame> frames() const {
    return {state.record.frames, state.record.frames + state.frames};
  }
};

}  // namespace gp::runtimes::perl
