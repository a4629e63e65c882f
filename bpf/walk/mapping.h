/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which executable mapping of the process holds an address. */
#pragma once

#include "bpf/walk/frames.h"

/* The address to look up: a call may be the last instruction of its function. */
GP_INLINE __u64 gp_lookup_pc(struct gp_walk *w)
{
	return w->registers.value[GP_REG_RIP] - (w->registers.is_return ? 1 : 0);
}

#ifdef __bpf__
/* The process' mappings word as it is now; 0 when the entry has gone. */
GP_INLINE __u64 gp_current_mappings(struct gp_walk *w);
#else
GP_INLINE __u64 gp_current_mappings(struct gp_walk *w)
{
	return *gp_env_mappings_word(w);
}
#endif

/* 2^12 steps of a binary search cover GP_MAPPINGS_PER_PROCESS entries. */
#define GP_MAPPING_SEARCH_STEPS 13

/* Finds the mapping of the pc into w->mapping. 1: found, 0: none, -1: the table changed meanwhile. */
GP_INLINE int gp_find_mapping(struct gp_walk *w)
{
	__u64 pc = gp_lookup_pc(w);

	if (pc - w->mapping.start < w->mapping.end - w->mapping.start)
		return 1;

	__u32 first = GP_MAPPINGS_FIRST(w->mappings);
	__u32 low = 0, high = GP_MAPPINGS_COUNT(w->mappings);
	int found = 0;

	for (int step = 0; step < GP_MAPPING_SEARCH_STEPS; step++) {
		if (low >= high)
			break;
		__u32 middle = (low + high) >> 1;
		const struct gp_mapping *mapping = gp_find_mapping_entry(first + middle);

		if (!mapping)
			break;
		if (pc < mapping->start) {
			high = middle;
		} else if (pc >= mapping->end) {
			low = middle + 1;
		} else {
			w->mapping = *mapping;
			found = 1;
			break;
		}
	}
	/* The run may have been given to another process while we searched: only then is the word different. */
	__u64 now = gp_current_mappings(w);

	if (now != w->mappings) {
		w->mappings = now;
		w->mapping.start = w->mapping.end = 0;
		return -1;
	}
	return found;
}

GP_PART(gp_find_mapping)
