// The walker's C, compiled natively (native_step.c): C++ sees only these. Owner thread: the caller's.
#pragma once

#include "bpf/walk/state.h"

#ifdef __cplusplus
extern "C" {
#endif

// One turn of the walk: gp_step() of bpf/walk/step.h. 1: the walk is over.
int gp_native_turn(struct gp_walk *walk);
// Appends a frame as a step would; 0 when the stack is full.
int gp_native_push(struct gp_walk *walk, const struct gp_frame *frame);

#ifdef __cplusplus
}
#endif
