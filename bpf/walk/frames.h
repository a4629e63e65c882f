/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* How a step hands out its frame and goes to the caller, or ends the walk. */
#pragma once

#include "bpf/walk/state.h"

/* Appends a frame; false when the stack is full. */
GP_INLINE int gp_push(struct gp_walk *w, __u8 kind, __u8 flags, __u16 cookie, __u32 extra, __u64 value)
{
	__u32 index = w->frames;

	if (index >= GP_MAX_FRAMES) {
		w->end = GP_END_DEPTH;
		return 0;
	}
	struct gp_frame *frame = &w->record.frames[GP_BOUND(index, GP_MAX_FRAMES - 1)];

	frame->kind = kind;
	frame->flags = flags;
	frame->cookie = cookie;
	frame->extra = extra;
	frame->value = value;
	w->frames = index + 1;
	return 1;
}

/* Ends the walk: the value a step returns. */
GP_INLINE int gp_finish(struct gp_walk *w, enum gp_walk_end end)
{
	w->end = end;
	return 1;
}

/* The caller is at (pc, cfa), the callee-saved registers are its own. */
GP_INLINE int gp_enter_caller(struct gp_walk *w, __u64 pc, __u64 cfa)
{
	if (pc == 0)
		return gp_finish(w, GP_END_ROOT); /* a thread's or coroutine's first frame: nothing called it */
	w->registers.value[GP_REG_RIP] = pc;
	w->registers.value[GP_REG_RSP] = cfa;
	w->registers.is_return = 1;
	w->registers.valid &= GP_REGS_CALLEE_SAVED | (1u << GP_REG_RSP) | (1u << GP_REG_RIP);
	return 0;
}
