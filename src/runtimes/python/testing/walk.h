// The Python walker of bpf/walk built natively, over any memory.
#pragma once

#include "runtimes/testing/walk.h"

GP_C_BEGIN
#include "bpf/walk/python.h"
GP_C_END

namespace gp::runtimes::python {

// One walk of a thread's Python frames.
struct PythonWalk : Walk {
  void run(WalkWorld& world, uint64_t thread, gp_drain drain = GP_DRAIN_NOT) {
    state.thread_pointer = thread;
    begin(world, GP_RUNTIME_PYTHON, drain);
    turn(GP_RUNTIME_PYTHON, gp_python_step);
  }
};

}  // namespace gp::runtimes::python
