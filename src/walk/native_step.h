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

// At code that YJIT made, whose Ruby frames are taken: the registers become those of the C code that entered it. The
// walk's pass_eval from there on.
enum gp_pass_eval gp_native_leave_compiled(struct gp_walk* walk);

// `on_stack` lies above the frame of the function that was just met: what belongs there is a caller's.
int gp_native_is_above_frame(struct gp_walk* walk, __u64 on_stack);

#ifdef __cplusplus
}
#endif
