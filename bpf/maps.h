/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Maps of the sampler. Tables are mapped by the agent and written by plain stores (a bpf() call in progress would make
 * the kernel skip samples on that CPU). Sizes of 1 are set by the agent before load, from the host's size.
 */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi/sessions.h"
#include "bpf/walk/state.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gp_process_bucket);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gp_mapping);
} mappings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gp_file);
} files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} pages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gp_runtime_entry);
} runtimes SEC(".maps");

/* Row pool: segments of 1 MiB, made and mapped by the agent when needed. */
struct gp_row_segment {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GP_SEGMENT_WORDS / 2); /* array elements take 8 bytes at least */
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, GP_SEGMENTS_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__array(values, struct gp_row_segment);
} segments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gp_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gp_session_table);
} sessions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gp_session_cpu);
} session_cpus SEC(".maps");

/* Walk state by CPU. Plain arrays: per-CPU values over 32 KiB are refused (E2BIG), and one size fits both. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gp_walk);
} walks SEC(".maps");

struct gp_stack_copy_record {
	struct gp_stack_copy copy;
	__u8 data[GP_STACK_COPY_SIZE + 4096]; /* the last page read may begin at the last byte, for the verifier */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gp_stack_copy_record);
} copies SEC(".maps");

/*
 * What was looked up, see kernel.h. Nobody maps it: but values of a mappable array begin on a page, so that an entry lies
 * in one cache line. Those of others follow their array's header (kernel/bpf/arraymap.c) and would lie in two.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gp_cache_entry);
} pc_cache SEC(".maps");

/* Fingerprints of the symbols that were shipped. The agent clears them when it has forgotten the symbols. */
#define GP_SYMBOLS_SEEN 8192u

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, GP_SYMBOLS_SEEN);
	__type(key, __u32);
	__type(value, __u64);
} symbols_seen SEC(".maps");

/* A symbol's record under construction, by CPU. */
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
