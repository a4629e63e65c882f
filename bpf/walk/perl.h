/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Perl 5.32 to 5.42: one subroutine, eval, file or sort block a turn, handed over to native code where C
 * called the interpreter. Layouts: bpf/abi/perl.h.
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

#include "bpf/walk/perl_symbol.h"

#define GP_PERL_TURNS (4 * GP_MAX_FRAMES) /* ends chains that go round; some contexts have no frame to show */
#define GP_PERL_CONTEXTS_MAX (1 << 20)
#define GP_PERL_OPS 48 /* looked at for a statement */
#define GP_PERL_ENVIRONMENTS 16 /* JMPENVs passed in one activation */
#define GP_PERL_NEAR_STACK (1u << 20)

/* Reads the context of that number into w->object. */
GP_INLINE int gp_perl_read_context(struct gp_walk *w, __s32 number)
{
	if ((__u32)number >= GP_PERL_CONTEXTS_MAX)
		return -1;
	return gp_read_user(w, w->object, GP_PERL_CONTEXT_BYTES,
			    w->perl.contexts + (__u32)number * (__u64)GP_PERL_CONTEXT_BYTES)
		       ? -1
		       : 0;
}

/* Goes on with the contexts of `stack`, a PERL_SI. */
GP_INLINE int gp_perl_enter_stack(struct gp_walk *w, __u64 stack)
{
	if (gp_read_user(w, w->object, GP_PERL_STACK_BYTES, stack))
		return -1;
	w->perl.contexts = gp_object_word(w, GP_PERL_STACK_CONTEXTS);
	w->perl.previous = gp_object_word(w, GP_PERL_STACK_PREVIOUS);
	w->perl.top = (__s32)gp_object_half(w, GP_PERL_STACK_TOP);
	w->perl.context = (__s32)gp_object_half(w, GP_PERL_STACK_TOP_SUB);
	w->perl.type = gp_object_half(w, GP_PERL_STACK_TYPE);
	return w->perl.context > w->perl.top ? -1 : 0;
}

GP_INLINE __u8 gp_perl_context_type(struct gp_walk *w)
{
	return gp_object_byte(w, GP_PERL_CONTEXT_TYPE) & GP_PERL_CONTEXT_TYPE_MASK;
}

/* The address of an interpreter's variable. */
GP_INLINE __u64 gp_perl_variable(__u64 interpreter, __s32 variable)
{
	return interpreter + (__u64)(__s64)variable;
}

/* `interpreter` is one: it runs one of the loops. */
GP_INLINE int gp_perl_is_interpreter(struct gp_walk *w, const struct gp_perl *perl, __u64 interpreter)
{
	__u64 loop;

	return interpreter && gp_read_user(w, &loop, 8, gp_perl_variable(interpreter, perl->runops)) == 0 &&
	       (loop == perl->loop[0] || loop == perl->loop[1]);
}

/* The interpreter the thread says it runs, 0: none. */
GP_INLINE __u64 gp_perl_of_thread(struct gp_walk *w, const struct gp_perl *perl)
{
	__u32 key;
	__u64 slot[2]; /* sequence, odd while the key is in use; value */

	if (!perl->key || gp_read_user(w, &key, 4, perl->key) || key >= GP_PERL_THREAD_KEYS_MAX ||
	    gp_read_user(w, slot, sizeof(slot), w->thread_pointer + GP_PERL_THREAD_KEYS + 16 * (__u64)key) ||
	    !(slot[0] & 1) || !gp_perl_is_interpreter(w, perl, slot[1]))
		return 0;
	return slot[1];
}

/*
 * The interpreter the activation at hand runs, 0: not to be had. It is the argument of the loop, which keeps it; without
 * threads the loop has none, and there is only one.
 */
GP_INLINE __u64 gp_perl_of_activation(struct gp_walk *w, const struct gp_perl *perl)
{
	if (perl->only)
		return gp_perl_is_interpreter(w, perl, perl->only) ? perl->only : 0;
	for (int i = 0; i < 2 && !w->drain; i++) {
		__u32 number = perl->loop_register[i];

		if (!number || number >= GP_REGS || !(w->registers.valid & (1u << number)))
			continue;

		__u64 interpreter = w->registers.value[GP_BOUND(number, 31)];

		if (gp_perl_is_interpreter(w, perl, interpreter))
			return interpreter;
	}
	return w->drain && w->perl.interpreter ? w->perl.interpreter : gp_perl_of_thread(w, perl);
}

/* Leaves out the newest contexts when C has made them for calls of its own and none is under way. */
GP_INLINE int gp_perl_skip_idle(struct gp_walk *w, const struct gp_perl *perl)
{
	__u64 sp = w->registers.value[GP_REG_RSP];
	__s32 saved;

	/* Between two calls of a block. */
	if (!w->perl.op && w->perl.top == 0 &&
	    (w->perl.type == GP_PERL_STACK_IS_SORT || w->perl.type == GP_PERL_STACK_IS_MULTICALL)) {
		if (gp_perl_read_context(w, 0))
			return -1;
		w->perl.cop = gp_object_word(w, GP_PERL_CONTEXT_COP);
		return gp_perl_enter_stack(w, w->perl.previous);
	}
	/* call_sv() has an operation of its own on the C stack, and has entered the subroutine, but not the loop. */
	if (w->drain || sp - w->perl.op > GP_PERL_NEAR_STACK || w->perl.context < 0 || w->perl.context != w->perl.top)
		return 0;
	if (gp_perl_read_context(w, w->perl.context) ||
	    gp_read_user(w, &saved, 4, gp_perl_variable(w->perl.interpreter, perl->savestack_ix)))
		return -1;
	if (gp_perl_context_type(w) != GP_PERL_CONTEXT_IS_SUB || gp_object_word(w, GP_PERL_CONTEXT_RETURN) ||
	    saved != (__s32)gp_object_half(w, GP_PERL_CONTEXT_SAVESTACK))
		return 0;
	w->perl.cop = gp_object_word(w, GP_PERL_CONTEXT_COP);
	w->perl.context = (__s32)gp_object_half(w, GP_PERL_CONTEXT_NEXT_SUB);
	return 0;
}

/* Begins with the contexts of an interpreter. */
GP_INLINE int gp_perl_start(struct gp_walk *w, const struct gp_perl *perl, __u64 interpreter)
{
	__u64 stack;

	w->perl.left = w->perl.interpreter;
	w->perl.interpreter = interpreter;
	w->perl.entered_sp = 0;
	w->perl.compiling = gp_perl_variable(interpreter, perl->compiling);
	if (gp_read_user(w, &w->perl.cop, 8, gp_perl_variable(interpreter, perl->statement)) ||
	    gp_read_user(w, &stack, 8, gp_perl_variable(interpreter, perl->stack)) ||
	    gp_read_user(w, &w->perl.op, 8, gp_perl_variable(interpreter, perl->op)) ||
	    gp_read_user(w, &w->perl.environment, 8, gp_perl_variable(interpreter, perl->environment)))
		return -1;
	return gp_perl_enter_stack(w, stack) ? -1 : gp_perl_skip_idle(w, perl);
}

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

/* One operation of those that gp_perl_find_statement looks at. 1: it was the last. */
GP_INLINE int gp_perl_look_at_op(struct gp_walk *w)
{
	const struct gp_perl *perl = (const struct gp_perl *)gp_layout_of(w, GP_RUNTIME_PERL);
	__u64 *head = (__u64 *)w->object;
	__u64 at = w->perl.at;

	if (!perl || !at)
		return 1;
	if (w->perl.parent && at == w->perl.path) {
		/* Its elder siblings are seen. */
		w->perl.statement = w->perl.last;
		if (w->perl.last)
			return 1;
		at = w->perl.path = w->perl.parent;
		w->perl.parent = 0;
	}
	if (gp_read_user(w, head, GP_PERL_OP_BYTES, at))
		return 1;

	__u64 bits = head[GP_PERL_OP_TYPE / 8];
	__u64 type = bits & GP_PERL_OP_TYPE_MASK;

	if (!type)
		type = head[GP_PERL_OP_TARGET / 8];
	if (w->perl.parent && type - perl->op_nextstate <= 1)
		w->perl.last = at;
	w->perl.at = head[GP_PERL_OP_SIBLING / 8];
	if (bits & GP_PERL_OP_HAS_SIBLING)
		return 0;
	if (w->perl.parent || !w->perl.at)
		return 1;
	w->perl.parent = w->perl.at;
	w->perl.last = 0;
	return gp_read_user(w, &w->perl.at, 8, w->perl.parent + GP_PERL_OP_FIRST) != 0;
}

GP_TURN(gp_perl_look_at_op)

/*
 * Finds the statement that w->perl.op is part of: the last one begun before it among the children of an ancestor. PL_curcop
 * does not always say it: where a block has no variables of its own, its first statement's beginning is made void
 * (op_scope(), op.c), so that what runs in a loop seems to be part of the loop's or of another round's last statement.
 */
GP_INLINE int gp_perl_find_statement(struct gp_walk *w)
{
	w->perl.statement = 0;
	w->perl.at = w->perl.path = w->perl.op;
	w->perl.parent = 0;
	w->perl.last = 0;
	GP_LOOP(gp_perl_look_at_op, w, GP_PERL_OPS);
	return 0;
}

GP_PART(gp_perl_find_statement)

/* True when the newest subroutine was entered but its first statement has not begun. */
GP_INLINE int gp_perl_is_just_entered(struct gp_walk *w, const struct gp_perl *perl)
{
	__u64 next;
	__u16 type;

	if (w->perl.cop != w->perl.caller || w->perl.kind != GP_PERL_SUB || !w->perl.start)
		return 0;
	if (w->perl.op != w->perl.start &&
	    (gp_read_user(w, &next, 8, w->perl.op + GP_PERL_OP_NEXT) || next != w->perl.returns))
		return 0;
	if (gp_read_user(w, &type, 2, w->perl.start + GP_PERL_OP_TYPE))
		return 0;
	type &= GP_PERL_OP_TYPE_MASK;
	return type == perl->op_nextstate || type == perl->op_nextstate + 1;
}

/* What the newest frame is at: its first statement before that has begun, else what the operation that runs is part of. */
GP_INLINE void gp_perl_settle_statement(struct gp_walk *w, const struct gp_perl *perl)
{
	w->perl.statement = 0;
	if (!w->perl.op)
		return;
	if (gp_perl_is_just_entered(w, perl))
		w->perl.cop = w->perl.start;
	else if (w->perl.cop != w->perl.compiling)
		GP_CALL(gp_perl_find_statement, w);
	w->perl.op = 0;
}

/* Line and file of the frame at hand. */
GP_INLINE void gp_perl_place(struct gp_walk *w)
{
	__u64 file = 0;

	w->perl.line = 0;
	/* A void statement has its line, but no file. */
	if (!w->perl.cop ||
	    gp_read_user(w, &w->perl.line, 4, (w->perl.statement ? w->perl.statement : w->perl.cop) + GP_PERL_COP_LINE) ||
	    gp_read_user(w, &file, 8, w->perl.cop + GP_PERL_COP_FILE) || !file) {
		w->perl.file = 0;
		w->perl.text_hash = 0;
	} else if (file != w->perl.file) {
		w->perl.file = file;
		GP_CALL(gp_perl_text, w);
	}
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
