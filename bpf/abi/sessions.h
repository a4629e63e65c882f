/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Sessions as the sampler sees them: who takes which ticks, and into which window a sample falls. Included by BPF C and
 * by C++. The agent writes gp_session_table by plain stores while ticks come; the kernel writes gp_session_cpu.
 */
#pragma once

#include <linux/types.h>

#include "bpf/abi/cast.h"

#define GP_SESSIONS_MAX 16 /* bits of the masks */

/* A session takes a tick each time the sum of its steps passes one. */
#define GP_STEP_ONE (1ull << 32)

/*
 * Samples taken from `boundary` on are of the session's next window. A window is known by one of two banks, in turn; the
 * lowest bit of the word is the bank before the boundary, so that time and bank change in one store.
 */
#define GP_BOUNDARY_BANK(word) (GP_CAST(__u32, word) & 1)
#define GP_BOUNDARY_NS(word) ((word) & ~1ull)

struct gp_session_entry {
	__u64 step;     /* this session's rate over that of the sampler, in units of 1 / GP_STEP_ONE; 0: no session */
	__u64 boundary; /* CLOCK_MONOTONIC ns, and a bank */
};

struct gp_session_table {
	__u64 tick_ns; /* between two ticks of a CPU now */
	__u64 active;  /* bit n: entries[n] is a session; a process that nobody told us of is sampled for these */
	struct gp_session_entry entries[GP_SESSIONS_MAX];
};

/* What one CPU did for each session and bank; counts only ever grow. */
struct gp_session_cpu {
	__s64 phase[GP_SESSIONS_MAX]; /* sum of steps since the last tick taken; may be less than nothing */
	__s64 limit[GP_SESSIONS_MAX]; /* of that sum: then the next tick is taken */
	__u64 taken[GP_SESSIONS_MAX][2];
	__u64 ring_full[GP_SESSIONS_MAX][2];
};

/* gp_sample.sessions: bit n: taken for session n; bit 16 + n: into its bank 1. */
#define GP_SAMPLE_BANK_SHIFT 16

#ifdef __cplusplus
static_assert(sizeof(gp_session_table) == 16 + 16 * GP_SESSIONS_MAX);
static_assert(sizeof(gp_session_cpu) == 48 * GP_SESSIONS_MAX);
#else
_Static_assert(sizeof(struct gp_session_table) == 16 + 16 * GP_SESSIONS_MAX, "shared layout");
_Static_assert(sizeof(struct gp_session_cpu) == 48 * GP_SESSIONS_MAX, "shared layout");
#endif
