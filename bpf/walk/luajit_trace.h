/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Code that LuaJIT compiled: a trace runs in the frame in which it was entered, and may stand for functions called from
 * there that have no frame on the stack. Of each place where it can be left it knows which (lj_jit.h: SnapShot), and from
 * which instruction of machine code on that holds (mcofs, as lj_trace.c: lj_trace_unwind).
 */
#pragma once

#include "bpf/walk/luajit_frame.h"

#define GP_LUAJIT_TRACE_BYTES 104
#define GP_LUAJIT_SNAPSHOT_BYTES 12
#define GP_LUAJIT_SNAPSHOT_CODE 6    /* SnapShot.mcofs */
#define GP_LUAJIT_SNAPSHOT_STEPS 11  /* a trace has 500 unless told (lj_jit.h: maxsnap) */

/* Reads the GCtrace that runs to w->object. 0: it is the one that w->luajit.compiled is in. */
GP_INLINE int gp_luajit_read_trace(struct gp_walk *w, const struct gp_luajit *lj)
{
	__u64 trace = 0;
	__s32 number = 0;

	/* While compiled code runs the state is the number of its trace. */
	if (gp_read_user(w, &number, 4, w->luajit.global + lj->global_vmstate) || number <= 0 ||
	    gp_read_user(w, &trace, 8, w->luajit.global + (__u64)(__s64)lj->traces) ||
	    gp_read_user(w, &trace, 8, trace + 8 * (__u64)number) || !trace ||
	    gp_read_user(w, w->object, GP_LUAJIT_TRACE_BYTES, trace) ||
	    gp_object_byte(w, lj->object_type) != GP_LUAJIT_TRACE)
		return -1;
	return w->luajit.compiled - gp_object_word(w, lj->trace_code) < gp_object_half(w, lj->trace_code_size) ? 0 : -1;
}

/*
 * Finds the last place before w->luajit.compiled where the trace can be left: its frames (w->luajit.snapshot), the newest
 * of them (base) and the instruction there (live). 0: found.
 */
GP_INLINE int gp_luajit_find_trace(struct gp_walk *w)
{
	const struct gp_luajit *lj = (const struct gp_luajit *)gp_layout_of(w, GP_RUNTIME_LUAJIT);
	__u64 snapshots, at, position[1];
	__u32 head[3]; /* mapofs; ref, mcofs; nslots, topslot, nent, count */
	__u16 code;

	if (!lj || gp_luajit_read_trace(w, lj))
		return -1;
	snapshots = gp_object_word(w, lj->trace_snapshots);
	at = w->luajit.compiled - gp_object_word(w, lj->trace_code);
	w->luajit.low = 0;
	w->luajit.high = gp_object_half(w, lj->trace_snapshot_count & ~3u) >> 8 * (lj->trace_snapshot_count & 3u) & 0xffff;
	for (int step = 0; step < GP_LUAJIT_SNAPSHOT_STEPS; step++) {
		__u32 low = GP_READ_ONCE(w->luajit.low), high = GP_READ_ONCE(w->luajit.high);
		__u32 middle = (low + high) >> 1;

		if (low >= high)
			break;
		if (gp_read_user(w, &code, 2,
				 snapshots + GP_LUAJIT_SNAPSHOT_BYTES * (__u64)middle + GP_LUAJIT_SNAPSHOT_CODE))
			return -1;
		if (at < code)
			w->luajit.high = middle;
		else
			w->luajit.low = middle + 1;
	}
	if (!w->luajit.low ||
	    gp_read_user(w, head, sizeof(head), snapshots + GP_LUAJIT_SNAPSHOT_BYTES * (__u64)(w->luajit.low - 1)))
		return -1;
	w->luajit.constants = gp_object_word(w, lj->trace_ir);
	w->luajit.snapshot = gp_object_word(w, lj->trace_snapshot_map) + 4 * (__u64)head[0];
	w->luajit.entries = head[2] >> 16 & 0xff;
	/* Behind the entries: the instruction that would be run next, and how far up its frame is (lj_snap.h: snap_pc). */
	if (gp_read_user(w, position, 8, w->luajit.snapshot + 4 * (__u64)w->luajit.entries))
		return -1;
	w->luajit.base = w->luajit.entered + 8 * (position[0] & 0xff);
	w->luajit.live = (position[0] >> 8) + 4;
	return 0;
}

GP_PART_OF(GP_RUNTIME_LUAJIT, gp_luajit_find_trace)
