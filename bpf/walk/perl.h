/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Perl 5.32 to 5.44: one subroutine, eval, file or sort block a turn, handed over to native code where C called the
 * interpreter. Layouts: bpf/abi/perl.h.
 *
 * An interpreter has a chain of stacks of contexts, the newest first: C code that calls back from the middle of an
 * operation begins a new one. Each C activation of the loop (runops) owns the contexts down to one that returns to no
 * operation (retop is 0), or down to the sort block it runs. Two things break that rule and are looked for:
 *  - C that calls a block again and again (sort, List::Util::first) leaves its context there in between; PL_op is 0
 *    then, or call_sv()'s own.
 *  - an eval within a callback runs the rest of it in a second activation (docatch(), pp_ctl.c); there is a JMPENV on the
 *    C stack between the two, and the contexts do not tell of an eval of call_sv()'s own.
 */
#pragma once

#include "bpf/walk/perl_statement.h"

#define GP_PERL_TURNS (4 * GP_MAX_FRAMES) /* ends chains that go round; some contexts have no frame to show */
#define GP_PERL_ENVIRONMENTS 16 /* JMPENVs passed in one activation */

/*
 * True when the activation at hand belongs to the callback whose frames were handed out last, in another activation: an
 * eval made that.
 */
GP_INLINE int gp_perl_is_second(struct gp_walk *w)
{
	__u64 sp = w->registers.value[GP_REG_RSP];
	__u64 entered = w->perl.entered_sp;

	w->perl.entered_sp = 0;
	if (!entered || w->drain)
		return 0;
	for (int i = 0; i < GP_PERL_ENVIRONMENTS && w->perl.environment && w->perl.environment < entered; i++) {
		if (gp_read_user(w, &w->perl.environment, 8, w->perl.environment))
			w->perl.environment = 0;
	}
	if (w->perl.environment < entered || w->perl.environment >= sp)
		return 0;
	/* Else it is call_sv()'s own eval that has one there. */
	return w->perl.context < 0 || gp_perl_read_context(w, w->perl.context) ||
	       gp_perl_context_type(w) != GP_PERL_CONTEXT_IS_EVAL || gp_object_word(w, GP_PERL_CONTEXT_RETURN);
}

/* Native code goes on. */
GP_INLINE int gp_perl_leave(struct gp_walk *w)
{
	w->perl.in_activation = 0;
	return gp_hand_back(w, w->perl.pushed ? GP_EVAL_HIDE : GP_EVAL_SHOW);
}

GP_INLINE void gp_perl_mark_entry(struct gp_walk *w)
{
	w->record.frames[GP_BOUND(w->frames - 1, GP_MAX_FRAMES - 1)].flags |= GP_FRAME_ENTRY;
}

/* The frame pushed last is the one whose caller is C code. */
GP_INLINE int gp_perl_entry(struct gp_walk *w)
{
	gp_perl_mark_entry(w);
	w->perl.entered_sp = w->drain ? 0 : w->registers.value[GP_REG_RSP];
	return gp_perl_leave(w);
}

/* Pushes the frame at hand: w->perl.kind, code, and cop. 1: the stack is full. */
GP_INLINE int gp_perl_push(struct gp_walk *w, const struct gp_perl *perl)
{
	/* A subroutine that calls itself is what it was a moment ago. */
	int is_again = w->perl.kind == GP_PERL_SUB && w->perl.code == w->perl.last_code && w->perl.cop == w->perl.last_cop;

	if (!is_again) {
		w->perl.name = 0;
		w->perl.scope = 0;
		w->perl.start = 0;
		if (w->perl.kind == GP_PERL_SUB)
			GP_CALL(gp_perl_name, w);
		gp_perl_settle_statement(w, perl);
		gp_perl_place(w);
		w->perl.cookie = gp_perl_cookie(w);
	}
	if (!gp_push_code(w, GP_RUNTIME_PERL, 0, w->perl.code, w->perl.cookie, w->perl.line))
		return 1;
	w->perl.pushed++;
	if (is_again)
		return 0;
	w->perl.last_code = w->perl.kind == GP_PERL_SUB && !w->perl.statement ? w->perl.code : 0;
	w->perl.last_cop = w->perl.cop;
	GP_CALL(gp_perl_ship, w);
	return 0;
}

/* The frames further out are those of the statement that made the context at hand. */
GP_INLINE void gp_perl_pass(struct gp_walk *w)
{
	/* A block that runs while its file is compiled is part of that file: its statement is the file's. */
	if (w->perl.caller != w->perl.compiling)
		w->perl.cop = w->perl.caller;
	w->perl.context = w->perl.next;
}

/* Below the last subroutine, eval or file of a stack of contexts. */
GP_INLINE int gp_perl_bottom(struct gp_walk *w, const struct gp_perl *perl)
{
	__u64 previous = w->perl.previous;

	if (w->perl.type == GP_PERL_STACK_IS_MAIN || !previous) {
		w->perl.kind = GP_PERL_FILE;
		if (gp_read_user(w, &w->perl.code, 8, gp_perl_variable(w->perl.interpreter, perl->main)))
			return gp_fail_runtime(w, GP_RUNTIME_PERL, GP_END_RUNTIME_READ);
		w->perl.caller = 0;
		if (gp_perl_push(w, perl))
			return 1;
		gp_perl_mark_entry(w);
		w->perl.in_activation = 0;
		return gp_end_of_runtime(w, GP_RUNTIME_PERL, GP_EVAL_HIDE);
	}
	if (w->perl.type == GP_PERL_STACK_IS_SORT && w->perl.top >= 0 && gp_perl_read_context(w, 0) == 0 &&
	    gp_perl_context_type(w) == GP_PERL_CONTEXT_IS_SORT_BLOCK) {
		w->perl.kind = GP_PERL_SORT;
		w->perl.code = w->perl.contexts;
		w->perl.caller = gp_object_word(w, GP_PERL_CONTEXT_COP);
		w->perl.next = -1;
		if (gp_perl_push(w, perl))
			return 1;
		gp_perl_pass(w);
		if (gp_perl_enter_stack(w, previous))
			return gp_fail_runtime(w, GP_RUNTIME_PERL, GP_END_RUNTIME_READ);
		return gp_perl_entry(w);
	}
	if (gp_perl_enter_stack(w, previous))
		return gp_fail_runtime(w, GP_RUNTIME_PERL, GP_END_RUNTIME_READ);
	return 0;
}

/*
 * The context at hand, which returns to no operation, is the last of its activation. Not so in the block of a sort or of
 * a regular expression, whose own last operation is a call: the block's is.
 */
GP_INLINE int gp_perl_is_entry(struct gp_walk *w)
{
	if (w->perl.returns)
		return 0;
	if (w->perl.context <= 0 ||
	    (w->perl.type != GP_PERL_STACK_IS_SORT && w->perl.type != GP_PERL_STACK_IS_MULTICALL) ||
	    gp_perl_read_context(w, 0))
		return 1;
	if (w->perl.type == GP_PERL_STACK_IS_SORT)
		return gp_perl_context_type(w) != GP_PERL_CONTEXT_IS_SORT_BLOCK;
	return !(gp_object_byte(w, GP_PERL_CONTEXT_TYPE) & GP_PERL_CONTEXT_IN_REGEX);
}

/* What the context in w->object has as a frame: 0: set up, -1: none. */
GP_INLINE int gp_perl_frame_of_context(struct gp_walk *w)
{
	__u8 type = gp_object_byte(w, GP_PERL_CONTEXT_TYPE);

	switch (type & GP_PERL_CONTEXT_TYPE_MASK) {
	case GP_PERL_CONTEXT_IS_SUB:
	case GP_PERL_CONTEXT_IS_FORMAT:
		w->perl.kind = GP_PERL_SUB;
		w->perl.code = gp_object_word(w, GP_PERL_CONTEXT_CV);
		return 0;
	case GP_PERL_CONTEXT_IS_EVAL:
		if (type & GP_PERL_CONTEXT_EVAL_BLOCK)
			return -1;
		w->perl.kind = type & GP_PERL_CONTEXT_EVAL_STRING ? GP_PERL_EVAL : GP_PERL_FILE;
		w->perl.code = gp_object_word(w, GP_PERL_CONTEXT_EVAL_CV);
		return 0;
	default:
		return -1;
	}
}

/* The context of number w->perl.context. */
GP_INLINE int gp_perl_context(struct gp_walk *w, const struct gp_perl *perl)
{
	if (++w->perl.turns > GP_PERL_TURNS)
		return gp_fail_runtime(w, GP_RUNTIME_PERL, GP_END_RUNTIME_READ);
	if (w->perl.context < 0)
		return gp_perl_bottom(w, perl);
	if (gp_perl_read_context(w, w->perl.context))
		return gp_fail_runtime(w, GP_RUNTIME_PERL, GP_END_RUNTIME_READ);
	w->perl.returns = gp_object_word(w, GP_PERL_CONTEXT_RETURN);
	w->perl.caller = gp_object_word(w, GP_PERL_CONTEXT_COP);
	w->perl.next = (__s32)gp_object_half(w, GP_PERL_CONTEXT_NEXT_SUB);
	if (w->perl.next >= w->perl.context)
		return gp_fail_runtime(w, GP_RUNTIME_PERL, GP_END_RUNTIME_READ);
	/* A block that catches has the frame of what it is in, at the statement in the block. */
	if (gp_perl_frame_of_context(w)) {
		w->perl.context = w->perl.next;
		return 0;
	}
	if (gp_perl_push(w, perl))
		return 1;

	int is_entry = gp_perl_is_entry(w);

	gp_perl_pass(w);
	return is_entry ? gp_perl_entry(w) : 0;
}

/* Meets an activation of the loop. 0: its contexts come next. */
GP_INLINE int gp_perl_enter(struct gp_walk *w, const struct gp_perl *perl)
{
	__u64 interpreter = gp_perl_of_activation(w, perl);

	w->perl.in_activation = 1;
	w->perl.pushed = 0;
	if (!interpreter && w->drain) {
		gp_end_of_runtime(w, GP_RUNTIME_PERL, GP_EVAL_SHOW); /* a thread that runs no Perl */
		return 1;
	}
	if (interpreter == w->perl.interpreter && interpreter) {
		if (!gp_perl_is_second(w))
			return 0;
		gp_perl_leave(w);
		return 1;
	}
	/* Interpreters that call each other in turn: where the outer one's contexts went on is not known any more. */
	if (!interpreter || interpreter == w->perl.left || gp_perl_start(w, perl, interpreter)) {
		gp_fail_runtime(w, GP_RUNTIME_PERL, GP_END_RUNTIME_READ);
		return 1;
	}
	return 0;
}

GP_INLINE void gp_perl_begin(struct gp_walk *w)
{
	w->perl.interpreter = 0;
	w->perl.left = 0;
	w->perl.turns = 0;
	w->perl.in_activation = 0;
	w->perl.entered_sp = 0;
	w->perl.op = 0;
	w->perl.last_code = 0;
	w->perl.last_cop = 0;
	w->perl.file = 0;
	w->perl.text_hash = 0;
}

/* One turn of the Perl unwinder. 0: go on, 1: the walk is over. */
GP_INLINE int gp_perl_step(struct gp_walk *w)
{
	const struct gp_perl *perl = (const struct gp_perl *)gp_layout_of(w, GP_RUNTIME_PERL);

	if (!perl)
		return gp_fail_runtime(w, GP_RUNTIME_PERL, GP_END_RUNTIME_NOT_LOADED);
	if (gp_is_first_turn(w, GP_RUNTIME_PERL))
		gp_perl_begin(w);
	if (!w->perl.in_activation && gp_perl_enter(w, perl))
		return w->end == GP_END_DEPTH;
	return gp_perl_context(w, perl);
}
