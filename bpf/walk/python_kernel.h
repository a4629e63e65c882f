/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the Python walker keeps in the kernel. Memory: 64 KiB + 32 KiB + a struct gp_symbol_record a CPU. */
#pragma once

#include "bpf/walk/kernel.h"

/* Fingerprints of the symbols that were shipped. */
#define GP_SYMBOLS_SEEN 8192u

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
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

/* Thread states met last, by thread; what is found here is checked against the thread, so collisions only cost time. */
#define GP_PYTHON_THREADS 4096u /* a power of two */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GP_PYTHON_THREADS);
	__type(key, __u32);
	__type(value, __u64);
} python_threads SEC(".maps");

GP_INLINE __u64 *gp_python_thread_slot(struct gp_walk *w)
{
	__u64 hash = (w->thread_pointer ^ ((__u64)w->pid << 40)) * 0x9e3779b97f4a7c15ull;

	return GP_FIND(python_threads, (__u32)(hash >> 40) & (GP_PYTHON_THREADS - 1));
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
#define gp_python_thread_cache(w) gp_python_thread_slot(w)

#include "bpf/walk/python_symbol.h"
