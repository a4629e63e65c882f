/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where one PHP process keeps its stack, and the offsets that differ between versions; src/runtimes/php fills it. What
 * is the same in 7.4 to 8.6 on 64-bit machines is named here; offsets_test.cc compares all of it with the headers.
 */
#pragma once

#include "bpf/abi/runtime.h"
#include "bpf/abi/thread_variable.h"

/* `extra` of a frame: the line that runs, 0: not known (internal functions have none). */

/* zend_execute_data, Zend/zend_compile.h: one call. */
#define GP_PHP_CALL_BYTES 56
#define GP_PHP_CALL_OPLINE 0
#define GP_PHP_CALL_FUNCTION 24
#define GP_PHP_CALL_THIS 32
#define GP_PHP_CALL_INFO 40 /* This.u1.type_info: type of `This` in the low byte, ZEND_CALL_* above */
#define GP_PHP_CALL_PREVIOUS 48

#define GP_PHP_CALL_TOP (1u << 17)       /* ZEND_CALL_TOP: C code called the interpreter here */
#define GP_PHP_CALL_GENERATOR (1u << 24) /* ZEND_CALL_GENERATOR */
#define GP_PHP_IS_OBJECT 8               /* IS_OBJECT, Zend/zend_types.h */

/* zend_function (zend_op_array, zend_internal_function), Zend/zend_compile.h */
#define GP_PHP_FUNCTION_BYTES 184 /* all up to line_end */
#define GP_PHP_FUNCTION_TYPE 0    /* a byte */
#define GP_PHP_FUNCTION_NAME 8
#define GP_PHP_FUNCTION_SCOPE 16
#define GP_PHP_INTERNAL_BYTES 24 /* of an internal function: it may end before GP_PHP_FUNCTION_BYTES */

#define GP_PHP_TYPE_INTERNAL 1 /* ZEND_INTERNAL_FUNCTION; user functions and evaluated code are even: ZEND_USER_CODE() */

/* zend_op, Zend/zend_compile.h */
#define GP_PHP_OP_BYTES 32
#define GP_PHP_OP_ARGUMENT 20 /* extended_value */
#define GP_PHP_OP_LINE 24
#define GP_PHP_OP_CODE 28 /* a byte */
/* From 8.4 on: ZEND_FRAMELESS_ICALL_0 to _3 call C without a call of the chain (Zend/zend_frameless_function.h). */
#define GP_PHP_FRAMELESS 204
#define GP_PHP_FRAMELESS_COUNT 4

/* zend_class_entry, Zend/zend.h */
#define GP_PHP_CLASS_NAME 8

/* zend_string, Zend/zend_types.h: 8 bytes of reference count, then as here; none is shorter than 32 bytes. */
#define GP_PHP_STRING_HASH 8
#define GP_PHP_STRING_LENGTH 16
#define GP_PHP_STRING_DATA 24

struct gp_php {
	__u64 current;               /* &executor_globals.current_execute_data in the process; 0: each thread has its own */
	__u64 frameless;             /* &zend_flf_functions: what those instructions call, by their argument; 0: none */
	/*
	 * With thread safety (ZTS): executor_globals lie in what _tsrm_ls_cache points to, which each thread has of its own.
	 */
	__u64 globals_offset;        /* &executor_globals_offset: how far into that */
	__u64 globals_slot;          /* where the dynamic linker has the address of that; 0: it is globals_offset */
	struct gp_thread_variable cache; /* _tsrm_ls_cache */
	__u16 version;               /* 0x0802 for 8.2 */
	__u16 function_last;         /* zend_op_array.last: how many instructions */
	__u16 function_opcodes;      /* zend_op_array.opcodes */
	__u16 function_file;         /* zend_op_array.filename */
	__u16 function_line;         /* zend_op_array.line_start */
	__u16 generator_call;        /* zend_generator.execute_data */
	__u16 generator_parent;      /* zend_generator.node.parent, 0: not known */
	__u16 generator_placeholder; /* zend_generator.execute_fake */
	__u16 globals_current;       /* zend_executor_globals.current_execute_data */
	__u16 reserved[3];
};

GP_LAYOUT_FITS(struct gp_php);
