// The Python walker of bpf/walk built natively, over any memory.
#pragma once

#include "runtimes/testing/walk_world.h"

// The walker is C.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-function"
#include "bpf/walk/python.h"
#pragma GCC diagnostic pop

namespace gp::runtimes::python {

inline constexpr uint32_t kMaxTurns = 2 * GP_MAX_FRAMES;  // as the kernel's driver

// One walk of a thread's Python frames. Where the walker hands over to native code, that is taken as walked.
struct PythonWalk {
  gp_walk state{};
  uint32_t turns = 0;
  std::vector<uint32_t> handed_over;  // frames there were whenever native code went on

  // `drain`: after a miss, nothing is handed over and the end that is set stays.
  void run(WalkWorld& world, uint64_t thread, bool drain = false) {
    current_world = &world;
    state.runtime[GP_RUNTIME_PYTHON] = 1;
    state.pid = 1;
    state.start_ticks = 1;
    state.thread_pointer = thread;
    state.unwinder = GP_RUNTIME_PYTHON;
    state.drain = drain ? 1 : 0;
    if (drain) {
      state.unwinder = GP_RUNTIME_NONE;
      static_cast<void>(gp_drain_next(&state));
    }
    while (turns < kMaxTurns) {
      ++turns;
      if (gp_python_step(&state) != 0 || gp_is_done(&state, GP_RUNTIME_PYTHON)) break;
      if (state.unwinder == GP_RUNTIME_NONE) handed_over.push_back(state.frames);
      state.unwinder = GP_RUNTIME_PYTHON;
    }
    current_world = nullptr;
  }

  [[nodiscard]] std::vector<gp_frame> frames() const {
    return {state.record.frames, state.record.frames + state.frames};
  }
};

}  // namespace gp::runtimes::python
