/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the unwinders of interpreters keep in the kernel. */
#pragma once

#include "bpf/walk/kernel.h"

GP_INLINE __u64 *gp_thread_slot(struct gp_walk *w, __u32 runtime)
{
	__u64 hash = (w->thread_pointer ^ ((__u64)w->pid << 40) ^ ((__u64)runtime << 36)) * 0x9e3779b97f4a7c15ull;

	return GP_FIND(thread_states, (__u32)(hash >> 40) & (GP_THREADS_CACHED - 1));
}

GP_INLINE long gp_ship_symbol(struct gp_walk *w, void *record, __u64 size)
{
	struct gp_counters *count = GP_FIND(counters, w->scratch);
	long result = bpf_ringbuf_output(&ring, record, size, BPF_RB_NO_WAKEUP);

	if (count && result == 0)
		count->symbols++;
	return result;
}

#define gp_symbol_record_of(w) ((struct gp_symbol_record *)GP_FIND(symbol_scratch, (w)->scratch))
#define gp_symbol_seen_slot(index) ((__u64 *)GP_FIND(symbols_seen, index))
#define gp_symbol_output(w, record, size) gp_ship_symbol(w, record, size)
#define gp_thread_cache(w, runtime) gp_thread_slot(w, runtime)
