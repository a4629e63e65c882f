/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the unwinders of interpreters keep in the kernel. Memory: 64 KiB + 32 KiB + a struct gp_symbol_record a CPU. */
#pragma once

#include "bpf/walk/kernel.h"

/* Fingerprints of the symbols that were shipped. The agent clears them when it has forgotten the symbols. */
#define GP_SYMBOLS_SEEN 8192u

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GP_SYMBOLS_SEEN);
	__type(key, __u32);
	__type(value, __u64);
} symbols_seen SEC(".maps");

/* A record under construction, by walk state: the agent sets the count before load. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gp_symbol_record);
} symbol_scratch SEC(".maps");

/* What runtimes found last, by thread; it is checked against the thread, so collisions only cost time. */
#define GP_THREADS_CACHED 4096u /* a power of two */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GP_THREADS_CACHED);
	__type(key, __u32);
	__type(value, __u64);
} thread_states SEC(".maps");

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
