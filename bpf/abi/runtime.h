/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Language runtimes the walker knows, and what it is told of one in one process. */
#pragma once

#include <linux/types.h>

enum gp_runtime {
	GP_RUNTIME_NONE = 0, /* as `unwinder`: native code */
	GP_RUNTIME_PYTHON,
	GP_RUNTIME_RUBY,
	GP_RUNTIME_PHP,
	GP_RUNTIME_PERL,
	GP_RUNTIME_LUA,
	GP_RUNTIME_LUAJIT,
	GP_RUNTIMES_WITH_FRAMES, /* of their own, as interpreters have; those behind it only generate code */
	GP_RUNTIME_PCRE = GP_RUNTIMES_WITH_FRAMES, /* bpf/walk/pattern.h */
	GP_RUNTIMES,
};

#define GP_RUNTIME_SLOTS 8 /* room for kinds; a power of two */

/* What one process' runtime looks like to the walker: `layout` holds the struct of its language, bpf/abi/LANGUAGE.h. */
#define GP_LAYOUT_BYTES 256

#define GP_RUNTIME_CODE_IS_SHARED 1 /* what it generates lies in shared memory, as the code of nobody else does */

struct gp_runtime_entry {
	__u32 kind; /* enum gp_runtime, 0: free */
	__u32 flags; /* GP_RUNTIME_* */
	__u64 jit_start; /* code the runtime generates: a pc there is its own as one in its loop is; equal: none */
	__u64 jit_end;
	__u64 loop; /* in its loop: what it generates runs in the frame that the loop has there; 0: it does not */
	__u64 layout[GP_LAYOUT_BYTES / 8];
};

/* In the header of each language: its layout fits and needs no more than 8 byte alignment. */
#ifdef __cplusplus
#define GP_LAYOUT_FITS(layout) static_assert(sizeof(layout) <= GP_LAYOUT_BYTES && alignof(layout) <= 8)
static_assert(GP_RUNTIMES <= GP_RUNTIME_SLOTS);
#else
#define GP_LAYOUT_FITS(layout) _Static_assert(sizeof(layout) <= GP_LAYOUT_BYTES, "fits")
_Static_assert(GP_RUNTIMES <= GP_RUNTIME_SLOTS, "one slot a kind");
#endif
