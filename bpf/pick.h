/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Which sessions take a tick. Compiles for BPF and natively, for tests.
 *
 * A session that ticks less often than the sampler takes a tick when its sum of steps passes a limit that is drawn anew
 * each time, evenly from one half to one and a half: any tick may be the next, so that work in step with a fixed stride
 * cannot hide, and the sum keeps the rate exact all the same.
 */
#pragma once

#include "bpf/abi/sessions.h"
#include "bpf/walk/platform.h"

/*
 * Of the sessions in `wanted`; adds to what `own` counts. The mask goes through memory (see gp_sample.sessions): as a
 * register the verifier would follow each of its values.
 */
GP_INLINE void gp_pick_sessions(const struct gp_session_table *table, struct gp_session_cpu *own, __u32 wanted,
				__u64 now_ns, __u32 random, __u32 *sessions)
{
	*sessions = 0;
	for (__u32 i = 0; i < GP_SESSIONS_MAX; i++) {
		__u64 step = GP_READ_ONCE(table->entries[i].step);

		if (!(wanted >> i & 1) || step == 0)
			continue;
		if (step < GP_STEP_ONE) {
			own->phase[i] += GP_CAST(__s64, step);
			if (own->phase[i] < own->limit[i])
				continue;
			own->phase[i] -= GP_CAST(__s64, GP_STEP_ONE);
			own->limit[i] = GP_CAST(__s64, GP_STEP_ONE / 2 + random);
		}

		__u64 boundary = GP_READ_ONCE(table->entries[i].boundary);
		__u32 bank = GP_BOUNDARY_BANK(boundary) ^ (now_ns >= GP_BOUNDARY_NS(boundary));

		own->taken[i][bank & 1]++;
		*sessions |= (1u | (bank & 1) << GP_SAMPLE_BANK_SHIFT) << i;
	}
}

/* A sample of these sessions and banks found no room in the ring. */
GP_INLINE void gp_count_ring_full(struct gp_session_cpu *own, __u32 sessions)
{
	for (__u32 i = 0; i < GP_SESSIONS_MAX; i++)
		if (sessions >> i & 1)
			own->ring_full[i][sessions >> (GP_SAMPLE_BANK_SHIFT + i) & 1]++;
}
