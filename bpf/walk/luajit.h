/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * LuaJIT 2.1, x86-64: one frame of a coroutine's stack a turn, handed over to native code where C called the interpreter.
 * Layouts: bpf/abi/luajit.h.
 */
#pragma once

#include "bpf/walk/luajit_activation.h"
#include "bpf/walk/luajit_name.h"

#define GP_LUAJIT_TURNS (4 * GP_MAX_FRAMES) /* ends chains that go round; some frames have nothing to show */

/* Native code goes on. */
GP_INLINE int gp_luajit_leave(struct gp_walk *w)
{
	enum gp_pass_eval pass = w->luajit.pushed ? GP_EVAL_HIDE : GP_EVAL_SHOW;

	if (w->luajit.pushed)
		w->record.frames[GP_BOUND(w->frames - 1, GP_MAX_FRAMES - 1)].flags |= GP_FRAME_ENTRY;
	w->luajit.inside = 0;
	w->luajit.compiled = w->luajit.snapshot = 0;
	return gp_hand_back(w, pass);
}

/* The activation at hand has frames that cannot be had: a frame says so. */
GP_INLINE int gp_luajit_gap(struct gp_walk *w)
{
	if (w->drain)
		return gp_fail_runtime(w, GP_RUNTIME_LUAJIT, GP_END_RUNTIME_READ);
	if (!gp_push_interpreted(w, GP_FRAME_END, 0, 0, GP_RUNTIME_LUAJIT, GP_END_RUNTIME_READ))
		return 1;
	w->luajit.state = 0;
	w->luajit.pushed++;
	return gp_luajit_leave(w);
}

/* The line of the instruction that the function at hand, whose GCproto is in w->object, is at (lj_debug.c: lj_debug_line). */
GP_INLINE __u32 gp_luajit_line(struct gp_walk *w, const struct gp_luajit *lj)
{
	const struct gp_luajit_frame *frame = &w->luajit.frame;
	__u64 lines = gp_luajit_reference(w, lj, lj->proto_lines);
	__u32 first = gp_object_half(w, lj->proto_first_line), count = gp_object_half(w, lj->proto_line_count);
	__u32 position = (__u32)((frame->pc - frame->code) >> 2) - 1, delta = 0;
	__u32 width = count < 256 ? 1 : count < 65536 ? 2 : 4;

	if (!frame->pc || !lines)
		return 0;
	if (!position)
		return first;
	if (gp_read_user(w, &delta, width, lines + (__u64)width * (position - 1)))
		return 0;
	return first + delta;
}

/* Pushes the frame at hand. 1: the stack is full, -1: it cannot be read. */
GP_INLINE int gp_luajit_push(struct gp_walk *w, const struct gp_luajit *lj)
{
	const struct gp_luajit_frame *frame = &w->luajit.frame;
	__u64 object = frame->code;
	__u32 line = 0, cookie;

	if (frame->kind == GP_LUAJIT_FRAME_LUA) {
		object -= lj->proto_bytes;
		if (gp_read_user(w, w->object, (__u32)GP_BOUND(lj->proto_bytes, 127), object))
			return -1;
		line = gp_luajit_line(w, lj);
		cookie = gp_luajit_cookie(w, lj);
	} else {
		/* The native frames say what it is when Lua does not. */
		if (frame->kind != GP_LUAJIT_FRAME_C || w->luajit.named == GP_LUAJIT_UNNAMED)
			return 0;
		cookie = (__u32)(gp_luajit_mix_name(w, lj) >> 32);
	}
	if (!gp_push_code(w, GP_RUNTIME_LUAJIT, 0, object, cookie, line))
		return 1;
	w->luajit.pushed++;
	gp_luajit_ship(w, lj, object, cookie);
	return 0;
}

/* The frame at w->luajit.frame. */
GP_INLINE int gp_luajit_frame_step(struct gp_walk *w, const struct gp_luajit *lj)
{
	struct gp_luajit_frame *frame = &w->luajit.frame;
	int is_entry = frame->is_entry, pushed;
	__u64 pc = frame->previous_pc;

	if (!frame->base) {
		if (w->drain)
			return gp_end_of_runtime(w, GP_RUNTIME_LUAJIT, GP_EVAL_SHOW);
		return gp_luajit_leave(w);
	}
	if (++w->luajit.turns > GP_LUAJIT_TURNS)
		return gp_fail_runtime(w, GP_RUNTIME_LUAJIT, GP_END_RUNTIME_READ);
	w->luajit.caller.base = frame->previous;
	w->luajit.caller.kind = GP_LUAJIT_NO_FRAME;
	if (frame->previous) {
		GP_CALL(gp_luajit_read, w);
		if (gp_luajit_holds(&w->luajit.caller, pc))
			w->luajit.caller.pc = pc;
	}
	GP_CALL(gp_luajit_find_name, w);
	pushed = gp_luajit_push(w, lj);
	if (pushed > 0)
		return 1;
	if (pushed < 0 || (frame->previous && w->luajit.caller.kind == GP_LUAJIT_NO_FRAME)) {
		frame->base = 0;
		return gp_luajit_gap(w);
	}
	*frame = w->luajit.caller;
	if (!is_entry)
		return 0;
	if (!w->drain)
		return gp_luajit_leave(w);
	w->record.frames[GP_BOUND(w->frames - 1, GP_MAX_FRAMES - 1)].flags |= GP_FRAME_ENTRY;
	return 0;
}

/* Says once a stack what the runtime is doing. 1: the stack is full. */
GP_INLINE int gp_luajit_note(struct gp_walk *w, const struct gp_luajit *lj)
{
	__s32 vmstate = 0;

	if (w->luajit.noted || w->luajit.state == 0)
		return 0;
	w->luajit.noted = 1;
	if (gp_read_user(w, &vmstate, 4, w->luajit.global + lj->global_vmstate) == 0 &&
	    vmstate == GP_LUAJIT_VMSTATE_GC &&
	    !gp_push_interpreted(w, GP_FRAME_NOTE, 0, 0, GP_RUNTIME_LUAJIT, GP_NOTE_GARBAGE))
		return 1;
	if (w->luajit.compiled &&
	    !gp_push_interpreted(w, GP_FRAME_NOTE, 0, 0, GP_RUNTIME_LUAJIT, GP_NOTE_COMPILED))
		return 1;
	return 0;
}

/* One turn of the LuaJIT unwinder. 0: go on, 1: the walk is over. */
GP_INLINE int gp_luajit_step(struct gp_walk *w)
{
	const struct gp_luajit *lj = (const struct gp_luajit *)gp_layout_of(w, GP_RUNTIME_LUAJIT);

	if (!lj)
		return gp_fail_runtime(w, GP_RUNTIME_LUAJIT, GP_END_RUNTIME_NOT_LOADED);
	if (gp_is_first_turn(w, GP_RUNTIME_LUAJIT))
		__builtin_memset(&w->luajit, 0, sizeof(w->luajit));
	if (w->drain && !w->luajit.state)
		return gp_fail_runtime(w, GP_RUNTIME_LUAJIT, GP_END_RUNTIME_NOT_LOADED);
	if (!w->luajit.inside && !w->drain) {
		int entered = GP_CALL(gp_luajit_enter, w);

		if (entered == GP_LUAJIT_MOVED) {
			w->luajit.inside = 0;
			w->unwinder = GP_RUNTIME_NONE;
			return 0;
		}
		if (gp_luajit_note(w, lj))
			return 1;
		if (entered != GP_LUAJIT_HAS_FRAMES)
			return entered < 0 ? gp_luajit_gap(w) : gp_luajit_leave(w);
	}
	return gp_luajit_frame_step(w, lj);
}
