// The PHP walker of bpf/walk built natively, over any memory.
#pragma once

#include "runtimes/testing/walk.h"

GP_C_BEGIN
#include "bpf/walk/php.h"
GP_C_END

namespace gp::runtimes::php {

// One walk of a process' calls.
struct PhpWalk : Walk {
  // What the loop has in its registers when it runs `call` at `opline`.
  void set_live(uint64_t call, uint64_t opline) {
    set_register(GP_PHP_REG_CALL, call);
    set_register(GP_PHP_REG_OPLINE, opline);
  }

  void run(WalkWorld& world, gp_drain drain = GP_DRAIN_NOT) {
    begin(world, GP_RUNTIME_PHP, drain);
    turn(GP_RUNTIME_PHP, gp_php_step);
  }
};

}  // namespace gp::runtimes::php
