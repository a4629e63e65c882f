/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Tables the agent writes by plain stores into mapped arrays and the walker reads. One writer (the agent's reader
 * thread). Anything that is found through a packed 64-bit word is checked against that word again after use.
 */
#pragma once

#include <linux/types.h>

#include "bpf/abi/runtime.h"
#include "bpf/abi/unwind.h"

/* Processes: a hash of buckets by pid. */
#define GP_BUCKET_ENTRIES 8

/* Start times this close are the same process: the agent learns of a fork a little after the kernel stamped it. */
#define GP_START_SLACK_TICKS 2

struct gp_process {
	__u32 pid; /* thread group id in the initial pid namespace; 0: free */
	__u32 sessions; /* bit n: session n samples it; see sessions.h */
	__u64 start_ticks;
	__u64 mappings; /* bits 0-31 first entry, 32-47 count, 48-63 generation */
	__u16 runtime[GP_RUNTIME_SLOTS]; /* by enum gp_runtime: 1 + index into the table of runtimes, 0: none */
	__u64 exec_ns;       /* when it began its program, of CLOCK_MONOTONIC: its last exec that the kernel side saw */
	__u64 known_exec_ns; /* the same, of the last one that the agent has heard of: all else here is of that program */
};

#define GP_KNOWS_EXEC(process) ((process)->known_exec_ns >= (process)->exec_ns)

struct gp_process_bucket {
	struct gp_process entries[GP_BUCKET_ENTRIES];
};

#define GP_MAPPINGS_FIRST(word) GP_CAST(__u32, word)
#define GP_MAPPINGS_COUNT(word) GP_CAST(__u32, ((word) >> 32) & 0xffff)
#define GP_MAPPINGS_PER_PROCESS 4096u /* executable mappings; more are dropped, counted */

/* An executable mapping of a process; a process' run is sorted by start. */
#define GP_NO_FILE 0xffffffffu /* anonymous memory: JIT code */
#define GP_MAPPING_SHARED 1    /* memory shared between processes, with no ELF file behind it */

struct gp_mapping {
	__u64 start;
	__u64 end;
	__u64 offset; /* file offset of start */
	__u32 file;   /* file slot or GP_NO_FILE */
	__u32 flags;  /* GP_MAPPING_* */
};

enum gp_file_state { GP_FILE_NOT_LOADED = 0, GP_FILE_LOADED = 1, GP_FILE_UNREADABLE = 2 };

/* File offsets of an interpreter's loop, or of the part of it that the compiler put elsewhere; equal: none. */
struct gp_eval_range {
	__u64 start;
	__u64 end;
};

#define GP_EVAL_RANGES 2

/* A file with code, shared by all processes that map it. */
struct gp_file {
	__u32 page_first; /* its run in the page directory */
	__u32 page_count;
	__u32 page_base; /* file offset >> GP_PAGE_SHIFT of the first page */
	__u32 runtime;   /* enum gp_runtime */
	__u32 state;     /* enum gp_file_state */
	__u32 reserved;
	struct gp_eval_range eval[GP_EVAL_RANGES];
};
