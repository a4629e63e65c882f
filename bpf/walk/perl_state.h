/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the Perl unwinder remembers from turn to turn: the interpreter, its contexts, and the C activation at hand. */
#pragma once

#include <linux/types.h>

struct gp_perl_walk {
	__u64 interpreter; /* whose contexts these are, 0: none yet */
	__u64 left;        /* the one before it on this C stack */
	__u64 contexts;    /* the stack of contexts at hand */
	__u64 previous;    /* and the one below it, PERL_SI */
	__u64 cop;         /* the statement of the next frame */
	__u64 op;          /* PL_op, as long as that is the statement that runs now; 0: it is not */
	__u64 statement;   /* the statement it is part of, 0: not looked for or not found */
	__u64 at;          /* the search for it: the operation that is looked at next, */
	__u64 path;        /* the last one that is known to be an ancestor of op, or op itself, */
	__u64 parent;      /* whose children are looked at, 0: siblings after `path`, for their parent, */
	__u64 last;        /* and the last statement begun among those */
	__u64 compiling;   /* &PL_compiling, which is no statement of a caller */
	__u64 environment; /* the innermost JMPENV that was not passed yet */
	__u64 entered_sp;  /* of the activation whose entry was the last, 0: no other can share it */
	__s32 context;     /* index of the next subroutine, eval or format, -1: none */
	__s32 top;         /* index of the newest context of any kind */
	__u32 type;        /* of the stack at hand */
	__u32 turns;
	__u32 in_activation;
	__u32 pushed; /* frames of the activation at hand */

	/* The frame at hand. */
	__u64 name;  /* HEK, 0: none */
	__u64 scope; /* HEK, 0: none */
	__u64 start; /* its first op */
	__u64 file;  /* what its statement says of its file; looked at once while it stays the same */
	__u64 text;  /* the file's name, a C string */
	__u64 text_hash; /* 0: it cannot be read */
	__u64 code; /* CV, or what else tells it from others */
	__u64 returns;
	__u64 caller;
	__u64 last_code; /* of the frame pushed last, where it has the line of its cop; 0 else */
	__u64 last_cop;
	__s32 next;
	__u32 text_length;
	__u32 kind; /* enum gp_perl_code */
	__u32 line;
	__u32 cookie;
	__u32 reserved;
};
