// The Ruby walker of bpf/walk built natively, over any memory.
#pragma once

#include "runtimes/testing/walk.h"

GP_C_BEGIN
#include "bpf/walk/ruby.h"
GP_C_END

namespace gp::runtimes::ruby {

// One walk of a thread's Ruby frames.
struct RubyWalk : Walk {
  void run(WalkWorld& world, uint64_t thread, gp_drain drain = GP_DRAIN_NOT) {
    state.thread_pointer = thread;
    begin(world, GP_RUNTIME_RUBY, drain);
    turn(GP_RUNTIME_RUBY, gp_ruby_step);
  }
};

}  // namespace gp::runtimes::ruby
