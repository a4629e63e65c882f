/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What threads.bpf.c writes of each thread of a process. Included by BPF C and by C++. */
#pragma once

#include "bpf/abi/sample.h"

#define GP_THREAD_ON_CPU 1    /* it ran while it was looked at: the rest is not to be believed */
#define GP_THREAD_NO_USER 2   /* it has no user part (any more) */
#define GP_THREAD_COMPAT32 4  /* it runs 32-bit code */

struct gp_thread_state {
	__u32 tid;
	__u32 flags;
	__u64 switches; /* how often it has left a CPU: as long as that stays, and it is on none, its stack stays */
	struct gp_registers registers;
	__u64 thread_pointer;
	__u64 start_ticks; /* of its process */
	char comm[16];
	__u32 kernel_frames;
	__u32 reserved;
	__u64 kernel[GP_MAX_KERNEL_FRAMES + 1]; /* leaf first */
};

#ifdef __cplusplus
static_assert(sizeof(gp_thread_state) == 16 + 144 + 16 + 16 + 8 + 8 * (GP_MAX_KERNEL_FRAMES + 1));
#endif
