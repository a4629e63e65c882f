/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the unwinders of interpreters have in common: they take over from native code where a pc is in their runtime's
 * loop (or in code it generated), push the interpreted frames of that activation of the loop, one a turn, and hand back
 * where C called the interpreter. After a miss they drain instead: all their frames, without handing back.
 */
#pragma once

#include "bpf/walk/frames.h"
#include "bpf/walk/object.h"

#ifdef __bpf__
#include "bpf/walk/interpreter_kernel.h"
#endif

/* Where a runtime remembers something of this thread between samples: pointer to a __u64, or 0. Check what is found. */
#ifndef gp_thread_cache
#define gp_thread_cache(w, runtime) ((__u64 *)0)
#endif

/* What this process' runtime looks like: the struct of bpf/abi/LANGUAGE.h; 0: not prepared (yet). */
GP_INLINE const void *gp_layout_of(struct gp_walk *w, __u32 runtime)
{
	__u32 index = w->runtime[GP_BOUND(runtime, GP_RUNTIME_SLOTS - 1)];
	const struct gp_runtime_entry *entry = index ? gp_find_runtime(index - 1) : 0;

	return entry && entry->kind == runtime ? entry->layout : 0;
}

GP_INLINE int gp_is_done(struct gp_walk *w, __u32 runtime)
{
	return (w->done >> (runtime & 31)) & 1;
}

/* True once a walk: the runtime's own state is yet to be set up. */
GP_INLINE int gp_is_first_turn(struct gp_walk *w, __u32 runtime)
{
	__u32 bit = 1u << (runtime & 31);
	int first = !(w->begun & bit);

	w->begun |= bit;
	return first;
}

/* As gp_push; while draining the end that started it stays what it was. */
GP_INLINE int gp_push_interpreted(struct gp_walk *w, __u8 kind, __u8 flags, __u16 cookie, __u32 extra, __u64 value)
{
	__u32 end = w->end;
	int pushed = gp_push(w, kind, flags, cookie, extra, value);

	if (w->drain)
		w->end = end;
	return pushed;
}

/* A frame of a code object. `where`: what goes into `extra`. False when the stack is full. */
GP_INLINE int gp_push_code(struct gp_walk *w, __u32 runtime, __u8 flags, __u64 object, __u32 cookie, __u32 where)
{
	return gp_push_interpreted(w, (__u8)GP_FRAME_CODE(runtime), flags, (__u16)cookie, where,
				   GP_CODE_VALUE(GP_CODE_OBJECT(object), cookie));
}

/* Native code goes on; when draining, nothing is handed over. The value a turn returns. */
GP_INLINE int gp_hand_back(struct gp_walk *w, enum gp_pass_eval pass)
{
	if (w->drain)
		return 0;
	w->pass_eval = pass;
	w->unwinder = GP_RUNTIME_NONE;
	return 0;
}

/* The runtime has no more frames in this stack. */
GP_INLINE int gp_end_of_runtime(struct gp_walk *w, __u32 runtime, enum gp_pass_eval pass)
{
	w->done |= 1u << (runtime & 31);
	return gp_hand_back(w, pass);
}

/* The rest of the runtime's frames cannot be had: a frame says so. */
GP_INLINE int gp_fail_runtime(struct gp_walk *w, __u32 runtime, enum gp_walk_end why)
{
	if (!gp_push_interpreted(w, GP_FRAME_END, 0, 0, runtime, why))
		return 1;
	return gp_end_of_runtime(w, runtime, GP_EVAL_SHOW);
}

/* Where the frame of the native function at hand ends: its return address lies right below. 0: no rule says. */
GP_INLINE __u64 gp_frame_end(struct gp_walk *w)
{
	const struct gp_rule *rule = &w->found.rule;
	__u64 number = rule->cfa_reg;

	if (rule->cfa_op != GP_CFA_REG || number >= GP_REGS || !(w->registers.valid & (1u << number)))
		return 0;
	return w->registers.value[GP_BOUND(number, 31)] + (__u64)(__s64)rule->cfa_offset;
}

/*
 * True when `on_stack`, an address of the C stack, lies above the frame of the native function at hand: what is there
 * belongs to a caller. Only asked where a rule says where the frame ends.
 */
GP_INLINE int gp_is_above_frame(struct gp_walk *w, __u64 on_stack)
{
	__u64 end = gp_frame_end(w);

	return end && on_stack >= end;
}

/*
 * Draining: where on the C stack the frames up to the runtime's first entry belong, for whoever puts the native frames
 * in between. Until this is called it is taken to be the innermost activation of the loop.
 */
GP_INLINE void gp_set_place(struct gp_walk *w, __u64 on_stack)
{
	if (w->drain == GP_DRAIN_FOR_LATER)
		w->record.frames[GP_BOUND(w->place, GP_MAX_FRAMES - 1)].value = on_stack;
}

/* Draining: the next runtime that has frames left gets the following turns. 1: there is none. */
GP_INLINE int gp_drain_next(struct gp_walk *w)
{
	for (__u32 runtime = 1; runtime < GP_RUNTIMES_WITH_FRAMES; runtime++) {
		if (runtime <= w->unwinder || !w->runtime[runtime] || gp_is_done(w, runtime))
			continue;
		w->unwinder = runtime;
		w->place = w->frames;
		if (w->drain == GP_DRAIN_BEHIND)
			return !gp_push_interpreted(w, GP_FRAME_END, 0, 0, runtime, GP_END_NO_RULE);
		return !gp_push_interpreted(w, GP_FRAME_PLACE, 0, 0, runtime, GP_PLACE_UNKNOWN);
	}
	return 1;
}
