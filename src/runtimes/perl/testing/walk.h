// The Perl walker of bpf/walk built natively, over any memory.
#pragma once

#include "runtimes/testing/walk.h"

GP_C_BEGIN
#include "bpf/walk/perl.h"
GP_C_END

namespace gp::runtimes::perl {

// One walk of a thread's contexts.
struct PerlWalk : Walk {
  std::vector<uint64_t> stack;  // where each activation's frame is, innermost first; the last one's for all others

  void run(WalkWorld& world, gp_drain drain = GP_DRAIN_NOT) {
    begin(world, GP_RUNTIME_PERL, drain);
    const auto to_activation = [this] {
      if (stack.empty()) return;
      set_register(GP_REG_RSP, handed_over.size() < stack.size() ? stack[handed_over.size()] : stack.back());
    };
    turn(GP_RUNTIME_PERL, gp_perl_step, to_activation, [this] { return note_native(); });
  }
};

}  // namespace gp::runtimes::perl
