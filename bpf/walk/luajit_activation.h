/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Activations of LuaJIT's interpreter: where one has its C frame, which coroutine it runs, what that runs just now, and how
 * compiled code below it is left.
 *
 * The interpreter is assembly (vm_x64.dasc). Each activation has a C frame of a fixed size that holds its lua_State; rbx
 * has the instruction, r14 leads to the global_State, rdx has the newest frame while no C runs. The frame's unwind rule
 * covers all of the interpreter but the few instructions that push and pop registers, and what it calls within itself.
 * Compiled code has no rules: it runs below the frame of the activation that entered it, which its coroutine knows.
 */
#pragma once

#include "bpf/walk/luajit_trace.h"

#define GP_LUAJIT_C_FRAME_MAX 65536 /* bytes below the interpreter's C frame: compiled code has some 1,100 at most */
#define GP_LUAJIT_SPILLS 1120 /* bytes of stack that compiled code takes at most (lj_asm.c: 256 words) */
#define GP_LUAJIT_SETTING_UP 28 /* bytes of code from where an activation begins to where it says what it is about */

#define GP_LUAJIT_REG_PC 3    /* rbx */
#define GP_LUAJIT_REG_BASE 1  /* rdx */
#define GP_LUAJIT_REG_DISPATCH 14

enum gp_luajit_entered {
	GP_LUAJIT_GAP = -1, /* it has frames that cannot be had */
	GP_LUAJIT_HAS_FRAMES,
	GP_LUAJIT_NO_FRAMES, /* yet, or any more */
	GP_LUAJIT_MOVED,     /* the registers are the caller's */
};

GP_INLINE __u64 gp_luajit_register(struct gp_walk *w, __u32 number)
{
	return w->registers.valid & (1u << number) ? w->registers.value[number] : 0;
}

/* True when `global` is a global_State: its main coroutine says so. */
GP_INLINE int gp_luajit_is_global(struct gp_walk *w, const struct gp_luajit *lj, __u64 global)
{
	__u64 main = 0, back = 0;

	return global && gp_luajit_read_reference(w, lj, &main, global + lj->global_main) == 0 && main &&
	       gp_luajit_read_reference(w, lj, &back, main + lj->state_global) == 0 && back == global;
}

/* True when `state` is a coroutine; it is left in w->object. */
GP_INLINE int gp_luajit_read_state(struct gp_walk *w, const struct gp_luajit *lj, __u64 state)
{
	return state && !(state & 7) && gp_read_user(w, w->object, GP_LUAJIT_STATE_BYTES, state) == 0 &&
	       gp_object_byte(w, lj->object_type) == GP_LUAJIT_THREAD &&
	       gp_luajit_is_global(w, lj, gp_luajit_reference(w, lj, lj->state_global));
}

/* The coroutine of the activation whose C frame begins at `sp`; 0: there is none. */
GP_INLINE __u64 gp_luajit_state_at(struct gp_walk *w, const struct gp_luajit *lj, __u64 sp)
{
	__u64 state = 0;

	if (gp_luajit_read_reference(w, lj, &state, sp + lj->frame_state) || !gp_luajit_read_state(w, lj, state))
		return 0;
	return state;
}

/* Makes the registers those of whoever called the code at hand: its return address lies at `sp`. */
GP_INLINE int gp_luajit_return(struct gp_walk *w, __u64 sp)
{
	__u64 pc = 0;

	if (gp_read_user(w, &pc, 8, sp) || !pc)
		return GP_LUAJIT_GAP;
	w->registers.value[GP_REG_RIP] = pc;
	w->registers.value[GP_REG_RSP] = sp + 8;
	w->registers.valid &= GP_REGS_CALLEE_SAVED | (1u << GP_REG_RSP) | (1u << GP_REG_RIP);
	w->registers.is_return = 1;
	return GP_LUAJIT_MOVED;
}

/* Which of what an activation saves is on the stack at `at`, so far into the code that pushes it; 5: the frame is whole. */
GP_INLINE __u32 gp_luajit_pushed(__u32 at)
{
	return at < 1 ? 0 : at < 2 ? 1 : at < 4 ? 2 : at < 6 ? 3 : at < 10 ? 4 : 5;
}

/* As above, for what pops it: add rsp, pop r14, pop r15, pop rbx, pop rbp, ret. */
GP_INLINE __u32 gp_luajit_left(__u32 at)
{
	return at < 4 ? 5 : at < 6 ? 4 : at < 8 ? 3 : at < 9 ? 2 : at < 10 ? 1 : at < 11 ? 0 : 5;
}

/* Where activations begin and end no rule is right. GP_LUAJIT_HAS_FRAMES: the pc is at neither. */
GP_INLINE int gp_luajit_at_edge(struct gp_walk *w)
{
	const struct gp_luajit *lj = (const struct gp_luajit *)gp_layout_of(w, GP_RUNTIME_LUAJIT);
	__u32 depth = 5;

	if (!lj || w->registers.is_return)
		return GP_LUAJIT_HAS_FRAMES;

	__u64 at = w->registers.value[GP_REG_RIP] - lj->vm, sp = w->registers.value[GP_REG_RSP];

	if (at > 0xffff)
		return GP_LUAJIT_HAS_FRAMES;
	for (int i = 0; i < GP_LUAJIT_ENTERS; i++) {
		__u32 into = (__u32)at - lj->enters[i];

		if (lj->enters[i] && into < GP_LUAJIT_SETTING_UP) {
			depth = gp_luajit_pushed(into);
			if (depth == 5)
				return GP_LUAJIT_NO_FRAMES;
		}
	}
	for (int i = 0; i < GP_LUAJIT_LEAVES; i++) {
		if (lj->leaves[i] && (__u32)at - lj->leaves[i] < 11)
			depth = gp_luajit_left((__u32)at - lj->leaves[i]);
	}
	if (depth == 5)
		return GP_LUAJIT_HAS_FRAMES;
#define GP_LUAJIT_RESTORE(number, nth)                                                                             \
	do {                                                                                                       \
		if (nth < depth && gp_read_user(w, &w->registers.value[number], 8, sp + 8 * (__u64)(depth - 1 - nth))) \
			return GP_LUAJIT_GAP;                                                                      \
	} while (0)
	GP_LUAJIT_RESTORE(6, 0);
	GP_LUAJIT_RESTORE(3, 1);
	GP_LUAJIT_RESTORE(15, 2);
	GP_LUAJIT_RESTORE(14, 3);
#undef GP_LUAJIT_RESTORE
	return gp_luajit_return(w, sp + 8 * (__u64)depth);
}

GP_PART_OF(GP_RUNTIME_LUAJIT, gp_luajit_at_edge)

/* Where the activation has its C frame whose compiled code, or what enters or leaves that, runs at `sp`; 0: not found. */
GP_INLINE __u64 gp_luajit_outer_frame(struct gp_walk *w, const struct gp_luajit *lj, __u64 sp)
{
	__u64 global = gp_luajit_register(w, GP_LUAJIT_REG_DISPATCH) - (__u64)(__s64)lj->dispatch, state = 0, frame;

	if (!gp_luajit_is_global(w, lj, global) ||
	    gp_luajit_read_reference(w, lj, &state, global + lj->global_cur_L) || !gp_luajit_read_state(w, lj, state))
		return 0;
	frame = gp_object_word(w, lj->state_cframe) & ~3ull;
	return frame - sp > GP_LUAJIT_C_FRAME_MAX ? 0 : frame;
}

/* One more place up the stack, w->luajit.link: 1: an activation has its C frame there, its coroutine's newest. */
GP_INLINE int gp_luajit_search_turn(struct gp_walk *w)
{
	const struct gp_luajit *lj = (const struct gp_luajit *)gp_layout_of(w, GP_RUNTIME_LUAJIT);
	__u64 frame = w->luajit.link;

	if (!lj)
		return 1;
	if (gp_luajit_state_at(w, lj, frame) && (gp_object_word(w, lj->state_cframe) & ~3ull) == frame) {
		w->luajit.back = 1;
		return 1;
	}
	w->luajit.link = frame + 16;
	return 0;
}

GP_TURN(gp_luajit_search_turn)

/* The same where references have 32 bits and compiled code does not keep r14: the next one up the stack. */
GP_INLINE __u64 gp_luajit_search_frame(struct gp_walk *w)
{
	__u64 frame;

	w->luajit.link = w->registers.value[GP_REG_RSP] & ~15ull;
	w->luajit.back = 0;
	GP_LOOP(gp_luajit_search_turn, w, GP_LUAJIT_SPILLS / 16);
	frame = w->luajit.back ? w->luajit.link : 0;
	w->luajit.link = 0;
	return frame;
}

/*
 * Compiled code, what enters and leaves it, and the C it calls: makes the registers those of the activation below whose
 * frame it runs; returns its coroutine, 0: there is none. Saved r12 and r13: BC_JLOOP in vm_x64.dasc, vm_x86.dasc.
 */
GP_INLINE __u64 gp_luajit_leave_compiled(struct gp_walk *w, const struct gp_luajit *lj)
{
	__u64 frame = gp_luajit_outer_frame(w, lj, w->registers.value[GP_REG_RSP]), state;

	if (!frame && !lj->wide)
		frame = gp_luajit_search_frame(w);
	if (!frame || gp_read_user(w, &w->registers.value[12], 8, frame) ||
	    gp_read_user(w, &w->registers.value[13], 8, lj->wide ? frame - 8 : frame + 8))
		return 0;
	state = gp_luajit_state_at(w, lj, frame);
	if (!state)
		return 0;
	w->registers.valid = (w->registers.valid & ~(1u << GP_LUAJIT_REG_PC)) | 1u << 12 | 1u << 13;
	w->registers.value[GP_REG_RSP] = frame;
	w->registers.value[GP_REG_RIP] = lj->loop;
	w->registers.is_return = 0;
	return state;
}

/* Finds the C frame and the coroutine of the activation at hand, which goes to w->object; 0: there is none. */
GP_INLINE __u64 gp_luajit_find_state(struct gp_walk *w, const struct gp_luajit *lj)
{
	__u64 sp = w->registers.value[GP_REG_RSP], pc = 0, state = gp_luajit_state_at(w, lj, sp);

	if (state)
		return state;
	/* A piece that the interpreter calls within itself (vm_mod, vm_floor) goes on where it returns to; it keeps rdx. */
	if (!w->registers.is_return && gp_read_user(w, &pc, 8, sp) == 0) {
		state = gp_luajit_state_at(w, lj, sp + 8);
		if (state) {
			w->registers.value[GP_REG_RIP] = pc;
			w->registers.value[GP_REG_RSP] = sp + 8;
			return state;
		}
	}
	return gp_luajit_leave_compiled(w, lj);
}

/* How the frame at `base` fits the activation at hand: 2: it has its instruction, 1: it is one, 0: it is none. */
GP_INLINE int gp_luajit_try(struct gp_walk *w, __u64 base, __u64 link)
{
	w->luajit.caller.base = base;
	w->luajit.link = link;
	GP_CALL(gp_luajit_read, w);
	if (w->luajit.caller.kind == GP_LUAJIT_NO_FRAME)
		return 0;
	return gp_luajit_holds(&w->luajit.caller, w->luajit.live) ? 2 : 1;
}

/* The interpreter runs: rdx has the newest frame, but for where it has just called C or is about to. */
GP_INLINE int gp_luajit_find_newest(struct gp_walk *w)
{
	__u64 base = gp_luajit_register(w, GP_LUAJIT_REG_BASE), live = w->luajit.live, previous;

	if (!live)
		return gp_luajit_try(w, w->luajit.base, 0);
	/*
	 * Called by C a moment ago: rbx has the link that the frame will have. Or it returns to C (vm_return): rbx has the link,
	 * then the base of the frame that called C, which the coroutine is told of later.
	 */
	if (live < 1u << 20) {
		w->luajit.left = base - (live & ~7ull);
		return live > 7 && w->luajit.left == w->luajit.base && gp_luajit_try(w, base, live);
	}
	if (live - w->luajit.bottom <= w->luajit.limit - w->luajit.bottom) {
		w->luajit.left = live;
		return 0;
	}
	if (gp_luajit_try(w, base, 0) == 2 || gp_luajit_try(w, w->luajit.base, 0) == 2 ||
	    gp_luajit_try(w, gp_luajit_register(w, GP_REG_RBP), 0) == 2)
		return 1;
	/* Being called, or left: rbx has the caller's instruction. */
	if (gp_luajit_try(w, base, live)) {
		previous = w->luajit.caller.previous;
		if (!(live & 3) && gp_luajit_try(w, previous, 0) == 2)
			return gp_luajit_try(w, base, live);
	}
	if (gp_luajit_try(w, base, 0) && w->luajit.caller.kind != GP_LUAJIT_FRAME_LUA)
		return 1;
	return gp_luajit_try(w, w->luajit.base, 0) && w->luajit.caller.kind != GP_LUAJIT_FRAME_LUA;
}

GP_PART_OF(GP_RUNTIME_LUAJIT, gp_luajit_find_newest)

/* Compiled code runs: frames that it has inlined, as far as it tells which, and the one in which it was entered. */
GP_INLINE int gp_luajit_find_compiled(struct gp_walk *w, const struct gp_luajit *lj)
{
	__u64 pc = lj->wide && GP_CALL(gp_luajit_find_trace, w) == 0 ? w->luajit.live : 0;

	if (pc && gp_luajit_try(w, w->luajit.base, 0) == 2)
		return 1;
	w->luajit.snapshot = 0;
	w->luajit.live = 0;
	return gp_luajit_try(w, w->luajit.entered, 0);
}

/* The same where C that the interpreter called runs. */
GP_INLINE int gp_luajit_find_calling(struct gp_walk *w)
{
	__u64 left = w->luajit.left;
	int fits;

	w->luajit.left = 0;
	if (left) {
		fits = gp_luajit_try(w, left, 0);
		if (fits == 2 || (fits && w->luajit.caller.kind != GP_LUAJIT_FRAME_LUA))
			return 1;
	}
	fits = gp_luajit_try(w, w->luajit.base, 0);
	if (fits == 2 || (fits && (w->luajit.caller.kind != GP_LUAJIT_FRAME_LUA || !w->luajit.live)))
		return 1;
	return gp_luajit_try(w, gp_luajit_register(w, GP_REG_RBP), 0) == 2;
}

/* Takes the coroutine that was read to w->object. */
GP_INLINE void gp_luajit_take_state(struct gp_walk *w, const struct gp_luajit *lj, __u64 state)
{
	w->luajit.state = state;
	w->luajit.global = gp_luajit_reference(w, lj, lj->state_global);
	w->luajit.base = gp_object_word(w, lj->state_base);
	w->luajit.bottom = gp_luajit_reference(w, lj, lj->state_stack);
	/* LJ_STACK_EXTRA (lj_obj.h): 7 slots behind. Bytecode may begin right behind them. */
	w->luajit.limit = gp_luajit_reference(w, lj, lj->state_limit) + 56;
	w->luajit.frame.base = 0;
}

/* The activation was made to call C and has no frame (lj_frame.h: "cframe w/o frame"): those that are left lie below. */
GP_INLINE int gp_luajit_is_bare(struct gp_walk *w, const struct gp_luajit *lj, __u64 base)
{
	__s32 results = 0;

	if (gp_read_user(w, &results, 4, w->registers.value[GP_REG_RSP] + lj->frame_results) || results >= 0)
		return 0;
	return base - 8 < w->luajit.bottom + (__u64)(-(__s64)results);
}

/* Meets an activation. What became of it, enum gp_luajit_entered. */
GP_INLINE int gp_luajit_enter(struct gp_walk *w)
{
	const struct gp_luajit *lj = (const struct gp_luajit *)gp_layout_of(w, GP_RUNTIME_LUAJIT);
	__u64 state, base = 0;
	int found;

	w->luajit.inside = 1;
	w->luajit.pushed = 0;
	if (!lj)
		return GP_LUAJIT_NO_FRAMES;
	if (w->found.file == GP_NO_FILE) {
		/* The interpreter's frame comes first: rows may be missing for it. */
		w->luajit.compiled = gp_luajit_leave_compiled(w, lj) ? w->found.pc : 0;
		return w->luajit.compiled ? GP_LUAJIT_MOVED : GP_LUAJIT_NO_FRAMES;
	}

	int edge = GP_CALL(gp_luajit_at_edge, w);

	if (edge != GP_LUAJIT_HAS_FRAMES)
		return edge;
	state = gp_luajit_find_state(w, lj);
	if (!state)
		return w->registers.is_return ? GP_LUAJIT_GAP /* else a piece that C calls */ :
						gp_luajit_return(w, w->registers.value[GP_REG_RSP]);
	w->luajit.live = gp_luajit_register(w, GP_LUAJIT_REG_PC);
	if (state == w->luajit.state) {
		if (!w->luajit.frame.base || gp_luajit_is_bare(w, lj, w->luajit.frame.base))
			return GP_LUAJIT_NO_FRAMES;
		if (gp_luajit_holds(&w->luajit.frame, w->luajit.live))
			w->luajit.frame.pc = w->luajit.live;
		return GP_LUAJIT_HAS_FRAMES;
	}
	gp_luajit_take_state(w, lj, state);
	if (gp_luajit_is_bare(w, lj, w->luajit.base))
		return GP_LUAJIT_NO_FRAMES;
	if (w->luajit.compiled) {
		gp_luajit_read_reference(w, lj, &base, w->luajit.global + lj->global_jit_base);
		w->luajit.entered = base ? base : w->luajit.base;
		found = gp_luajit_find_compiled(w, lj);
	} else {
		found = w->registers.is_return ? gp_luajit_find_calling(w) : GP_CALL(gp_luajit_find_newest, w);
	}
	if (!found) {
		w->luajit.state = 0;
		return w->registers.is_return || w->luajit.compiled ? GP_LUAJIT_GAP : GP_LUAJIT_NO_FRAMES;
	}
	w->luajit.frame = w->luajit.caller;
	if (gp_luajit_holds(&w->luajit.frame, w->luajit.live))
		w->luajit.frame.pc = w->luajit.live;
	return GP_LUAJIT_HAS_FRAMES;
}

GP_PART_OF(GP_RUNTIME_LUAJIT, gp_luajit_enter)
