// The walker's C, compiled natively (native_step.c): C++ sees only these. Owner thread: the caller's.
#pragma once

#include "bpf/walk/state.h"

#ifdef __cplusplus
extern "C" {
#endif

// One turn of the walk: gp_step() of bpf/walk/step.h. 1: the walk is over.
int gp_native_turn(struct gp_walk* walk);
// Appends a frame as a step would; 0 when the stack is full.
int gp_native_push(struct gp_walk* walk, const struct gp_frame* frame);

// The activation of an interpreter's loop that was just met lies below `on_stack`: what belongs there is not its own.
int gp_native_is_below(struct gp_walk* walk, __u64 on_stack);

#ifdef __cplusplus
}
#endif
