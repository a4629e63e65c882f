/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Perl: which interpreter an activation of the loop runs, and the newest of its stacks of contexts.
 */
#pragma once

#include "bpf/walk/perl_symbol.h"

#define GP_PERL_CONTEXTS_MAX (1 << 20)
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
