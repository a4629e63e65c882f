/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Perl: the statement that runs, and so the line and the file of a frame.
 */
#pragma once

#include "bpf/walk/perl_interpreter.h"

#define GP_PERL_OPS 48 /* looked at for a statement */

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

GP_PART_OF(GP_RUNTIME_PERL, gp_perl_find_statement)

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
