/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * PHP 7.4 to 8.6: one call of the interpreter's chain a turn, handed over to native code where C called the
 * interpreter. Layouts: bpf/abi/php.h.
 *
 * The chain and the native stack fit together like this: every C activation of execute_ex() runs user functions from
 * the newest down to one marked ZEND_CALL_TOP (calls from PHP to PHP stay inside it). Internal functions are calls of
 * the chain too, newer than the user function that called them; they run on the C stack, no activation is theirs.
 *
 * GCC builds keep the call and the instruction that run in r14 and r15 (ZEND_VM_FP_GLOBAL_REG, ZEND_VM_IP_GLOBAL_REG,
 * Zend/zend_execute.c), where instructions that cannot fail leave no other trace. What is in them is believed only
 * when the chain and the function bear it out; other builds have something else there.
 */
#pragma once

#include "bpf/walk/php_symbol.h"
#include "bpf/walk/thread_variable.h"

#define GP_PHP_TURNS (4 * GP_MAX_FRAMES) /* ends chains that go round; some calls have no frame to show */
#define GP_PHP_DELEGATIONS 16            /* generators that `yield from` each other, listed */

#define GP_PHP_REG_CALL 14
#define GP_PHP_REG_OPLINE 15
#define GP_PHP_REGS ((1u << GP_PHP_REG_CALL) | (1u << GP_PHP_REG_OPLINE))

GP_INLINE __u64 gp_php_register(struct gp_walk *w, __u32 number)
{
	return w->registers.valid & (1u << number) ? w->registers.value[number] : 0;
}

/* Native code goes on. The loop saves r14 and r15 where no unwind rule says: what they hold is not its caller's. */
GP_INLINE int gp_php_leave(struct gp_walk *w, enum gp_pass_eval pass)
{
	w->php.in_activation = 0;
	if (!w->drain)
		w->registers.valid &= ~GP_PHP_REGS;
	return gp_hand_back(w, pass);
}

/* The frame pushed last is the one whose caller is C code. */
GP_INLINE int gp_php_entry(struct gp_walk *w)
{
	w->record.frames[GP_BOUND(w->frames - 1, GP_MAX_FRAMES - 1)].flags |= GP_FRAME_ENTRY;
	return gp_php_leave(w, GP_EVAL_HIDE);
}

/* The call that the activation says it is at is not of the next run either: it was not to be believed. */
GP_INLINE int gp_php_retreat(struct gp_walk *w)
{
	w->frames = w->php.retreat_frames;
	w->php.call = w->php.retreat;
	return gp_php_entry(w);
}

/* The rest of the chain cannot be read. */
GP_INLINE int gp_php_broken(struct gp_walk *w)
{
	return w->php.retreat ? gp_php_retreat(w) : gp_fail_runtime(w, GP_RUNTIME_PHP, GP_END_RUNTIME_READ);
}

/* Looks at what the activation that was just met says of itself. 1: no call is its own (any more). */
GP_INLINE int gp_php_enter(struct gp_walk *w)
{
	w->php.in_activation = 1;
	w->php.pushed = 0;
	w->php.retreat = 0;
	w->php.live = 0;
	w->php.opline = 0;
	w->php.compiled = 0;
	if (w->drain)
		return 0;
	w->php.live = gp_php_register(w, GP_PHP_REG_CALL);
	w->php.opline = gp_php_register(w, GP_PHP_REG_OPLINE);
	w->php.compiled = w->found.file == GP_NO_FILE;
	if (!w->php.live || w->php.live == w->php.call)
		return 0;
	if (gp_read_user(w, w->object, GP_PHP_CALL_BYTES, w->php.live)) {
		w->php.live = 0;
		return 0;
	}
	if (gp_object_word(w, GP_PHP_CALL_PREVIOUS) != w->php.call)
		return 0;
	/* It is about to be linked, or is unlinked and tidied up. */
	w->php.live = w->php.call;
	w->php.opline = 0;
	return !!(gp_object_half(w, GP_PHP_CALL_INFO) & GP_PHP_CALL_TOP);
}

/* &executor_globals.current_execute_data of the thread at hand, 0: not to be had (TSRM/TSRM.c: ts_allocate_fast_id()). */
GP_INLINE __u64 gp_php_current(struct gp_walk *w, const struct gp_php *php)
{
	__u64 globals = php->globals_offset, place, cache, offset;

	if (php->current)
		return php->current;
	if (gp_find_thread_variable(w, &php->cache, &place) || !place || gp_read_user(w, &cache, 8, place) || !cache ||
	    (php->globals_slot && gp_read_user(w, &globals, 8, php->globals_slot)) ||
	    gp_read_user(w, &offset, 8, globals) || !offset)
		return 0;
	return cache + offset + php->globals_current;
}

GP_INLINE int gp_php_begin(struct gp_walk *w, const struct gp_php *php)
{
	__u64 current = gp_php_current(w, php);

	w->php.call = 0;
	w->php.turns = 0;
	w->php.in_activation = 0;
	w->php.generator = 0;
	w->php.in_fiber = 0;
	if (!current)
		return !w->drain; /* a thread that runs no PHP has no cache */
	return gp_read_user(w, &w->php.call, 8, current) != 0;
}

/* The function in w->object is written in PHP. */
GP_INLINE int gp_php_is_user(struct gp_walk *w)
{
	return !(gp_object_byte(w, GP_PHP_FUNCTION_TYPE) & GP_PHP_TYPE_INTERNAL);
}

/* Reads an instruction into words of 8 bytes. 0: it is one of the function in w->object. */
GP_INLINE int gp_php_read_op(struct gp_walk *w, const struct gp_php *php, __u64 opline, __u64 *op)
{
	__u64 from = opline - gp_object_word(w, php->function_opcodes);

	if (from >= (__u64)gp_object_half(w, php->function_last) * GP_PHP_OP_BYTES || from % GP_PHP_OP_BYTES)
		return -1;
	return gp_read_user(w, op, GP_PHP_OP_BYTES, opline) ? -1 : 0;
}

/*
 * The instruction the call at hand is at; 0: there. A call saves it before it leaves its function; the innermost one of
 * an activation may be past what it saved, and is if it runs compiled code: then nothing says where.
 */
GP_INLINE int gp_php_find_op(struct gp_walk *w, const struct gp_php *php, __u64 call, __u64 saved, __u64 *op)
{
	if (call == w->php.live && w->php.compiled && !w->php.pushed)
		return -1;
	if (call == w->php.live && w->php.opline && gp_php_read_op(w, php, w->php.opline, op) == 0)
		return 0;
	return gp_php_read_op(w, php, saved, op);
}

/*
 * Below a fiber's first function stands a call of one without a name (zend_fiber_function, Zend/zend_fibers.c). When
 * native code had no rule just there, it is at the end of the fiber's own stack, make_fcontext of Boost.Context.
 */
GP_INLINE void gp_php_leave_fiber(struct gp_walk *w)
{
	if (w->drain != GP_DRAIN_BEHIND || w->frames != w->place + 1)
		return;
	w->frames = w->place; /* takes the gap back */
	w->php.in_fiber = 1;
}

/*
 * Pushes the frame of a call of `function`, whose bytes are left in w->object. 0: done, 1: the stack is full, -1: it
 * cannot be read.
 */
GP_INLINE int gp_php_push(struct gp_walk *w, const struct gp_php *php, __u64 call, __u64 function, __u64 saved)
{
	/* An internal function is shorter and may lie at the end of its memory. */
	if (gp_read_user(w, w->object, GP_PHP_FUNCTION_BYTES, function) &&
	    gp_read_user(w, w->object, GP_PHP_INTERNAL_BYTES, function))
		return -1;

	int is_user = gp_php_is_user(w);

	if (!is_user && !gp_object_word(w, GP_PHP_FUNCTION_NAME)) {
		gp_php_leave_fiber(w);
		return 0;
	}

	__u64 op[GP_PHP_OP_BYTES / 8];
	__u32 line = is_user && gp_php_find_op(w, php, call, saved, op) == 0 ? (__u32)op[GP_PHP_OP_LINE / 8] : 0;
	__u64 class_name = gp_php_class_name(w, gp_object_word(w, GP_PHP_FUNCTION_SCOPE));
	__u32 cookie = gp_php_cookie(w, php, class_name, is_user);

	if (!gp_push_code(w, GP_RUNTIME_PHP, 0, function, cookie, line))
		return 1;
	w->php.pushed++;
	if (gp_symbol_is_known(w, GP_RUNTIME_PHP, function, cookie))
		return 0;
	w->php.function = function;
	w->php.class_name = class_name;
	w->php.cookie = cookie;
	w->php.is_user = is_user ? 1 : 0;
	GP_CALL(gp_php_ship, w);
	return 0;
}

/*
 * One of the generators between the one that runs and the one that was asked (`yield from`): they are suspended, on no
 * C stack, and linked from the latter to the former (zend_generator_check_placeholder_frame(), Zend/zend_generators.c).
 */
GP_INLINE int gp_php_delegate(struct gp_walk *w, const struct gp_php *php)
{
	__u64 generator = w->php.generator, parent = 0, call, part[4];
	int found = 0;

	for (int i = 0; i < GP_PHP_DELEGATIONS && !found; i++) {
		if (gp_read_user(w, &parent, 8, generator + php->generator_parent))
			break;
		if (parent == w->php.inner)
			found = 1;
		else
			generator = parent;
	}

	int is_running = w->php.inner == 0, is_last = generator == w->php.generator;

	w->php.inner = generator;
	if (found && !is_running && gp_read_user(w, &call, 8, generator + php->generator_call) == 0 &&
	    gp_read_user(w, part, sizeof(part), call) == 0) {
		if (gp_php_push(w, php, call, part[GP_PHP_CALL_FUNCTION / 8], part[GP_PHP_CALL_OPLINE / 8]) > 0)
			return 1;
	}
	if (found && !is_last)
		return 0;
	w->php.generator = 0;
	return gp_php_entry(w);
}

/* The call in w->object only holds the place of generators that delegate to the one that runs. */
GP_INLINE int gp_php_is_placeholder(struct gp_walk *w, const struct gp_php *php, __u64 call)
{
	return php->generator_parent && !gp_object_word(w, GP_PHP_CALL_FUNCTION) &&
	       gp_object_byte(w, GP_PHP_CALL_INFO) == GP_PHP_IS_OBJECT &&
	       gp_object_word(w, GP_PHP_CALL_THIS) + php->generator_placeholder == call;
}

/* C code called the user function whose frame was pushed last. */
GP_INLINE int gp_php_top(struct gp_walk *w, const struct gp_php *php, __u32 info)
{
	__u64 next = w->php.call;

	if (w->php.live) {
		/* A generator that has just stopped still leads the chain of its caller's activation. */
		if (w->php.retreat)
			return gp_php_retreat(w);
		w->php.retreat = next;
		w->php.retreat_frames = w->frames;
		return 0;
	}
	if (info & GP_PHP_CALL_GENERATOR && next && gp_read_user(w, w->object, GP_PHP_CALL_BYTES, next) == 0 &&
	    gp_php_is_placeholder(w, php, next)) {
		w->php.call = gp_object_word(w, GP_PHP_CALL_PREVIOUS);
		w->php.generator = gp_object_word(w, GP_PHP_CALL_THIS);
		w->php.inner = 0;
		return 0;
	}
	return gp_php_entry(w);
}

/* The function of C that the newest call of the activation runs by an instruction that links no call for it; 0: none. */
GP_INLINE __u64 gp_php_frameless(struct gp_walk *w, const struct gp_php *php, __u64 call, __u64 function, __u64 saved)
{
	__u64 op[GP_PHP_OP_BYTES / 8], table;

	if (gp_read_user(w, w->object, GP_PHP_FUNCTION_BYTES, function) || !gp_php_is_user(w) ||
	    gp_php_find_op(w, php, call, saved, op))
		return 0;

	__u64 code = (op[GP_PHP_OP_CODE / 8] >> 8 * (GP_PHP_OP_CODE % 8)) & 0xff;
	__u64 number = op[GP_PHP_OP_ARGUMENT / 8] >> 8 * (GP_PHP_OP_ARGUMENT % 8);

	if (code - GP_PHP_FRAMELESS >= GP_PHP_FRAMELESS_COUNT || gp_read_user(w, &table, 8, php->frameless) ||
	    gp_read_user(w, &function, 8, table + 8 * number))
		return 0;
	return function;
}

/* The call at w->php.call. */
GP_INLINE int gp_php_call(struct gp_walk *w, const struct gp_php *php)
{
	__u64 call = w->php.call;

	if (!call && w->php.retreat)
		return gp_php_retreat(w);
	if (!call)
		return gp_end_of_runtime(w, GP_RUNTIME_PHP, w->php.pushed ? GP_EVAL_HIDE : GP_EVAL_SHOW);
	if (++w->php.turns > GP_PHP_TURNS || gp_read_user(w, w->object, GP_PHP_CALL_BYTES, call))
		return gp_php_broken(w);

	__u64 function = gp_object_word(w, GP_PHP_CALL_FUNCTION);
	__u64 saved = gp_object_word(w, GP_PHP_CALL_OPLINE);
	__u32 info = gp_object_half(w, GP_PHP_CALL_INFO);

	w->php.call = gp_object_word(w, GP_PHP_CALL_PREVIOUS);
	if (!function)
		return 0; /* made up by the engine: zend_call_function() before 8.2, generators */

	__u64 frameless = php->frameless && !w->php.pushed ? gp_php_frameless(w, php, call, function, saved) : 0;
	int pushed = gp_php_push(w, php, call, frameless ? frameless : function, saved);

	if (pushed)
		return pushed > 0 ? 1 : gp_php_broken(w);
	if (frameless) {
		w->php.call = call; /* its own frame is next */
		w->php.pushed = 1;
		return 0;
	}
	if (call == w->php.live)
		w->php.live = w->php.retreat = 0;
	return info & GP_PHP_CALL_TOP && gp_php_is_user(w) ? gp_php_top(w, php, info) : 0;
}

/* One turn of the PHP unwinder. 0: go on, 1: the walk is over. */
GP_INLINE int gp_php_step(struct gp_walk *w)
{
	const struct gp_php *php = (const struct gp_php *)gp_layout_of(w, GP_RUNTIME_PHP);

	if (!php)
		return gp_fail_runtime(w, GP_RUNTIME_PHP, GP_END_RUNTIME_NOT_LOADED);
	if (gp_is_first_turn(w, GP_RUNTIME_PHP) && gp_php_begin(w, php))
		return gp_fail_runtime(w, GP_RUNTIME_PHP, GP_END_RUNTIME_READ);
	if (w->php.generator)
		return gp_php_delegate(w, php);
	if (!w->php.in_activation && gp_php_enter(w))
		return gp_php_leave(w, GP_EVAL_SHOW);
	return gp_php_call(w, php);
}
