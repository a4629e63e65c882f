/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where each thread of a process has a variable of its own (_Thread_local), by the models of "ELF Handling For
 * Thread-Local Storage" (chapter 4) and the x86-64 psABI; src/runtimes/thread_variable.h finds it.
 */
#pragma once

#include <linux/types.h>

enum gp_thread_model {
	GP_THREAD_NOWHERE = 0,
	GP_THREAD_OFFSET,     /* local exec: `offset` beyond the thread pointer (two's complement: it lies before it) */
	GP_THREAD_SLOT,       /* initial exec: the word in the slot more than that */
	GP_THREAD_BLOCK,      /* dynamic: the slot holds {module, offset}; `offset` beyond that in the module's block */
	GP_THREAD_DESCRIPTOR, /* the slot holds {function, argument}; the argument is how far beyond the thread pointer, or
				 points to {module, offset} */
};

struct gp_thread_variable {
	__u64 slot;   /* filled by the dynamic linker */
	__u64 offset;
	__u32 model;  /* enum gp_thread_model */
	__u32 is_musl; /* the blocks of a thread's modules are found as musl has them, else as glibc */
};
