/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Reading the user stack through a window that serves several frames. */
#pragma once

#include "bpf/walk/state.h"

/* Refills the window from `address` (8-byte aligned) upwards; less than a window where the memory ends. */
GP_INLINE int gp_window_fill(struct gp_walk *w, __u64 address)
{
	__u32 to_page_end = 4096 - (__u32)(address & 4095);

	w->window_base = address;
	w->window_bytes = GP_WINDOW_BYTES;
	if (gp_read_user(w, w->window, GP_WINDOW_BYTES, address) == 0)
		return 0;
	/* The stack ends inside the window: take what lies in its last page. */
	w->window_bytes = 0;
	if (to_page_end >= GP_WINDOW_BYTES)
		return -1;
	to_page_end = (__u32)GP_BOUND(to_page_end, GP_WINDOW_BYTES - 1);
	if (to_page_end == 0 || gp_read_user(w, w->window, to_page_end, address) != 0)
		return -1;
	w->window_bytes = to_page_end;
	return 0;
}

/* Makes the window hold the callee-saved area below `cfa`: pushed registers and the return address. */
GP_INLINE void gp_window_around(struct gp_walk *w, __u64 cfa)
{
	__u64 low = (cfa - 8 * (GP_SAVED_REGS + 2)) & ~7ull;
	__u64 delta = low - w->window_base;

	if (delta < GP_WINDOW_BYTES && delta + 8 * (GP_SAVED_REGS + 2) <= w->window_bytes)
		return;
	gp_window_fill(w, low); /* on failure single loads decide */
}

/* The 8 bytes at a stack address, through the window when they are in it. */
GP_INLINE int gp_load(struct gp_walk *w, __u64 address, __u64 *value)
{
	__u64 delta = address - w->window_base;

	if (delta < GP_WINDOW_BYTES && delta + 8 <= w->window_bytes && (delta & 7) == 0) {
		*value = w->window[GP_BOUND(delta >> 3, GP_WINDOW_WORDS - 1)];
		return 0;
	}
	return gp_read_user(w, value, 8, address) == 0 ? 0 : -1;
}
