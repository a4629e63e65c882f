/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Search of a loaded unwind page. */
#pragma once

#include "bpf/walk/frames.h"

#ifdef __bpf__
#define gp_segment_t void *
GP_INLINE void *gp_open_segment(__u32 segment);
GP_INLINE const __u32 *gp_segment_word(void *segment, __u32 index);
#else
#define gp_segment_t __u32
GP_INLINE __u32 gp_open_segment(__u32 segment)
{
	return segment + 1;
}
GP_INLINE const __u32 *gp_segment_word(__u32 segment, __u32 index)
{
	return gp_env_row_word(segment - 1, index);
}
#endif

#define GP_RULE_WORDS 4u /* sizeof(struct gp_rule) / 4 */

/* 2^17 covers the 65,536 rows a page can have. */
#define GP_ROW_SEARCH_STEPS 17

/*
 * Copies the rule for w->found.offset out of the page w->found.page_word says. 1: found, 0: no row covers it,
 * -1: the place is not valid (any more).
 */
GP_INLINE int gp_search_rule(struct gp_walk *w)
{
	__u64 word = w->found.page_word;
	__u32 pc = (__u32)w->found.offset & (GP_PAGE_SIZE - 1);
	gp_segment_t segment = gp_open_segment(GP_PAGE_SEGMENT(word));

	if (!segment)
		return -1;
	__u32 rules = GP_PAGE_CHUNK(word) * GP_CHUNK_WORDS;
	__u32 rows = rules + GP_PAGE_RULES(word) * GP_RULE_WORDS;
	__u32 low = 0, high = GP_PAGE_ROWS(word); /* rows[low-1].pc <= pc < rows[high].pc */
	__u32 best = 0;

	for (int step = 0; step < GP_ROW_SEARCH_STEPS; step++) {
		if (low >= high)
			break;
		__u32 middle = (low + high) >> 1;
		const __u32 *row = gp_segment_word(segment, rows + middle);

		if (!row)
			return -1;
		__u32 packed = GP_READ_ONCE(*row);
		/* All ones when the row begins at or below the pc. Two branches a turn would be 2^17 paths to the verifier. */
		__u32 up = GP_OPAQUE((__u32)((__s32)((packed & 0xffff) - pc - 1) >> 31));

		best = (packed & up) | (best & ~up);
		low = ((middle + 1) & up) | (low & ~up);
		high = (high & up) | (middle & ~up);
	}
	if (low == 0)
		return 0;
	__u32 at = rules + (best >> 16) * GP_RULE_WORDS;
	__u32 *out = (__u32 *)&w->found.rule;

	for (int i = 0; i < (int)GP_RULE_WORDS; i++) {
		const __u32 *part = gp_segment_word(segment, at + (__u32)i);

		if (!part)
			return -1;
		out[i] = GP_READ_ONCE(*part);
	}
	return 1;
}

GP_PART(gp_search_rule)
