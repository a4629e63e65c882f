/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where one Perl process keeps its stack of contexts, and the offsets that differ between versions; src/runtimes/perl
 * fills it. What is the same in 5.32 to 5.44 on 64-bit machines is named here; offsets_test.cc compares all of it with the
 * headers.
 */
#pragma once

#include "bpf/abi/runtime.h"

/* `extra` of a frame: the line of the statement that runs, 0: not known. */

/* What a frame stands for: gp_symbol.table_format. */
enum gp_perl_code {
	GP_PERL_SUB = 0, /* a subroutine or a format */
	GP_PERL_FILE,    /* a file's code outside subroutines: the script, what is required */
	GP_PERL_EVAL,    /* a string that is evaluated */
	GP_PERL_SORT,    /* the block of a sort */
};

/* OP, op.h; COP, cop.h */
#define GP_PERL_OP_NEXT 0
#define GP_PERL_OP_SIBLING 8 /* op_sibparent: the parent where no sibling follows */
#define GP_PERL_OP_TARGET 24 /* op_targ: of an operation that was made void: what it was */
#define GP_PERL_OP_TYPE 32   /* the lower 9 bits; 0: made void (OP_NULL) */
#define GP_PERL_OP_TYPE_MASK 0x1ff
#define GP_PERL_OP_HAS_SIBLING 0x4000 /* op_moresib, of the same 16 bits */
#define GP_PERL_OP_BYTES 40
#define GP_PERL_OP_FIRST 40 /* op_first: of one that is a parent */
#define GP_PERL_COP_LINE 36
#define GP_PERL_COP_FILE 48 /* cop_file: a C string; without threads cop_filegv: a glob whose name is "_<" and the file's */

/* PERL_SI, cop.h: one stack of contexts */
#define GP_PERL_STACK_CONTEXTS 8
#define GP_PERL_STACK_PREVIOUS 16
#define GP_PERL_STACK_TOP 32     /* si_cxix */
#define GP_PERL_STACK_TOP_SUB 40 /* si_cxsubix: the topmost subroutine, eval or format; -1: none */
#define GP_PERL_STACK_TYPE 44
#define GP_PERL_STACK_BYTES 48

#define GP_PERL_STACK_IS_MAIN 1 /* PERLSI_MAIN */
#define GP_PERL_STACK_IS_SORT 3 /* PERLSI_SORT */
#define GP_PERL_STACK_IS_MULTICALL 10 /* PERLSI_MULTICALL */

/* PERL_CONTEXT, cop.h */
#define GP_PERL_CONTEXT_BYTES 104
#define GP_PERL_CONTEXT_TYPE 0 /* a byte */
#define GP_PERL_CONTEXT_SAVESTACK 4 /* blku_oldsaveix */
#define GP_PERL_CONTEXT_COP 16 /* blku_oldcop: the statement that made it */
#define GP_PERL_CONTEXT_RETURN 48 /* retop, 0: C code runs the loop up to here */
#define GP_PERL_CONTEXT_NEXT_SUB 56 /* old_cxsubix */
#define GP_PERL_CONTEXT_CV 72
#define GP_PERL_CONTEXT_EVAL_CV 88

#define GP_PERL_CONTEXT_TYPE_MASK 0xf /* CXTYPEMASK */
#define GP_PERL_CONTEXT_IS_SORT_BLOCK 0 /* CXt_NULL */
#define GP_PERL_CONTEXT_IS_SUB 9
#define GP_PERL_CONTEXT_IS_FORMAT 10
#define GP_PERL_CONTEXT_IS_EVAL 11
#define GP_PERL_CONTEXT_EVAL_STRING 0x20 /* CXp_REAL */
#define GP_PERL_CONTEXT_EVAL_BLOCK 0x40  /* CXp_TRYBLOCK, later CXp_EVALBLOCK */
#define GP_PERL_CONTEXT_IN_REGEX 0x40    /* CXp_SUB_RE */

/* SV, sv.h: its body's address first */
#define GP_PERL_SV_FLAGS 12
#define GP_PERL_SV_U 16 /* GV: its GP; HV: its array */

/* XPVCV, cv.h: read from GP_PERL_CV_BEGIN on */
#define GP_PERL_CV_BEGIN 32
#define GP_PERL_CV_BYTES 64
#define GP_PERL_CV_STASH 32
#define GP_PERL_CV_START 40
#define GP_PERL_CV_GV 56 /* or its name, where GP_PERL_CV_IS_NAMED */
#define GP_PERL_CV_FLAGS 92
#define GP_PERL_CV_IS_NAMED 0x8000    /* CVf_NAMED */
#define GP_PERL_CV_IS_LEXICAL 0x10000 /* CVf_LEXICAL */

/* GP, XPVGV, gv.h */
#define GP_PERL_GP_EGV 56
#define GP_PERL_GV_NAME 32
#define GP_PERL_GV_STASH 40

/* XPVHV, struct xpvhv_aux, hv.h */
#define GP_PERL_HV_MAX 24
#define GP_PERL_HV_HAS_AUX 0x2000000 /* SVf_OOK, later SVphv_HasAUX */
#define GP_PERL_AUX_IN_BODY 32       /* of versions that have it there */
#define GP_PERL_AUX_NAME 0
#define GP_PERL_AUX_NAME_COUNT 28 /* other than 0: the name is an array of names, of which the second counts if < 0 */
#define GP_PERL_AUX_BYTES 32

/* HEK, hv.h: a zero byte and a byte of flags follow the key */
#define GP_PERL_NAME_LENGTH 4
#define GP_PERL_NAME_TEXT 8
#define GP_PERL_NAME_IS_UTF8 1 /* HVhek_UTF8; else Latin-1 */

/* JMPENV, cop.h: on the C stack, the next further out first */

/*
 * A thread's value of a key: struct pthread's specific_1stblock holds (sequence, value) of the first keys, 16 bytes each
 * (glibc nptl/descr.h; pthread_getspecific() of 2.31 to 2.42 adds 0x310 to the thread pointer).
 */
#define GP_PERL_THREAD_KEYS 0x310
#define GP_PERL_THREAD_KEYS_MAX 32

struct gp_perl {
	__u64 key;             /* &PL_thr_key: the key whose value is the thread's interpreter; 0: not to be had */
	__u64 only;            /* of builds without threads: stands for the only interpreter there is; 0: with threads */
	__u64 loop[2];         /* Perl_runops_standard, Perl_runops_debug: PL_runops is one of them */
	__u16 loop_register[2]; /* where each keeps the interpreter, by DWARF number; 0: not known */
	__u16 version;         /* 36 for 5.36 */
	__u16 op_nextstate;    /* OP_NEXTSTATE; OP_DBSTATE follows */
	__u16 aux_in_body;     /* a stash's name is in its body, else behind its array */
	__u16 reserved[3];
	/*
	 * How far an interpreter's variables are from its address: fields of struct interpreter (intrpvar.h). Without threads
	 * each is a variable of its own, and they may lie before `only`.
	 */
	__s32 op;              /* PL_op */
	__s32 savestack_ix;    /* PL_savestack_ix */
	__s32 statement;       /* PL_curcop */
	__s32 stack;           /* PL_curstackinfo */
	__s32 environment;     /* PL_top_env */
	__s32 main;            /* PL_main_cv */
	__s32 compiling;       /* PL_compiling */
	__s32 runops;          /* PL_runops */
};

GP_LAYOUT_FITS(struct gp_perl);
