/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Frames on the stack of a LuaJIT coroutine: a function and a link to the frame that called it (lj_frame.h). */
#pragma once

#include "bpf/abi/luajit.h"
#include "bpf/walk/interpreter.h"

#define GP_LUAJIT_FUNCTION_BYTES 40
#define GP_LUAJIT_STATE_BYTES 96

/* A reference, and a word that is there in both layouts, in w->object. */
GP_INLINE __u64 gp_luajit_reference(struct gp_walk *w, const struct gp_luajit *lj, __u64 offset)
{
	return lj->wide ? gp_object_word(w, offset) : gp_object_half(w, offset);
}

GP_INLINE int gp_luajit_read_reference(struct gp_walk *w, const struct gp_luajit *lj, __u64 *to, __u64 address)
{
	__u32 half = 0;

	if (lj->wide)
		return (int)gp_read_user(w, to, 8, address);
	if (gp_read_user(w, &half, 4, address))
		return -1;
	*to = half;
	return 0;
}

/*
 * Frames that compiled code has not put on the stack: where it could be left, it knows what it would put there
 * (lj_snap.c: lj_snap_restore). Entries: number of the slot in the highest byte, counted from the two below the frame in
 * which the code was entered; a reference to a constant or instruction in the lower half. Sorted.
 */
#define GP_LUAJIT_CONSTANTS_END 0x8000 /* REF_BIAS (lj_ir.h) */

/* Finds the two slots below w->luajit.slots[0], a base, into w->luajit.slots. 1: they are not known. */
GP_INLINE int gp_luajit_snapshot_slots(struct gp_walk *w)
{
	__u64 number = (w->luajit.slots[0] - w->luajit.entered) >> 3;
	__u32 entry[2];

	w->luajit.low = 0;
	w->luajit.high = w->luajit.entries;
	for (int step = 0; step < 9; step++) {
		__u32 low = GP_READ_ONCE(w->luajit.low), high = GP_READ_ONCE(w->luajit.high);
		__u32 middle = (low + high) >> 1;

		if (low >= high)
			break;
		if (gp_read_user(w, entry, 4, w->luajit.snapshot + 4 * (__u64)middle))
			return 1;
		if (entry[0] >> 24 < number)
			w->luajit.low = middle + 1;
		else
			w->luajit.high = middle;
	}
	if (gp_read_user(w, entry, sizeof(entry), w->luajit.snapshot + 4 * (__u64)w->luajit.low) ||
	    entry[0] >> 24 != number || entry[1] >> 24 != number + 1 || (entry[0] & 0xffff) >= GP_LUAJIT_CONSTANTS_END ||
	    (entry[1] & 0xffff) >= GP_LUAJIT_CONSTANTS_END)
		return 1;
	/* Constants of 64 bits lie behind the instruction that has their type (lj_ir.h: ir_kgc, ir_k64). */
	return gp_read_user(w, &w->luajit.slots[0], 8, w->luajit.constants + 8 * (__u64)(entry[0] & 0xffff) + 8) ||
	       gp_read_user(w, &w->luajit.slots[1], 8, w->luajit.constants + 8 * (__u64)(entry[1] & 0xffff) + 8);
}

GP_PART_OF(GP_RUNTIME_LUAJIT, gp_luajit_snapshot_slots)

/* What lies below a frame's base: its function and its link. Also, that much further down, continuation and its pc. */
GP_INLINE int gp_luajit_slots(struct gp_walk *w, const struct gp_luajit *lj, __u64 base, __u64 *slots)
{
	if (w->luajit.snapshot && base > w->luajit.entered) {
		w->luajit.slots[0] = base;
		if (GP_CALL(gp_luajit_snapshot_slots, w))
			return -1;
		slots[0] = w->luajit.slots[0];
		slots[1] = w->luajit.slots[1];
		return 0;
	}
	if (lj->wide)
		return (int)gp_read_user(w, slots, 16, base - 16);
	if (gp_read_user(w, slots, 8, base - 8))
		return -1;
	slots[1] = slots[0] >> 32;
	slots[0] = (__u32)slots[0];
	return 0;
}

/* True when `pc` is behind one of the frame's instructions. */
GP_INLINE int gp_luajit_holds(const struct gp_luajit_frame *frame, __u64 pc)
{
	return frame->kind == GP_LUAJIT_FRAME_LUA && !(pc & 3) && pc - frame->code - 4 < frame->size;
}

/* Finds out who called w->luajit.caller, whose link is known. */
GP_INLINE int gp_luajit_follow(struct gp_walk *w, const struct gp_luajit *lj)
{
	struct gp_luajit_frame *frame = &w->luajit.caller;
	__u64 base = frame->base, slots[2];
	__u32 slot = lj->wide ? 16 : 8, instruction = 0;

	if ((frame->link & GP_LUAJIT_LINK_TYPE_P) == GP_LUAJIT_LINK_VARG) {
		/* The same function with its parameters only; below it, with all arguments. */
		base -= frame->link & ~7ull;
		if (gp_luajit_slots(w, lj, base, slots))
			return -1;
		frame->link = slots[1];
	}
	if ((frame->link & GP_LUAJIT_LINK_TYPE) == GP_LUAJIT_LINK_LUA) {
		if (gp_read_user(w, &instruction, 4, frame->link - 4))
			return -1;
		frame->previous = base - slot - 8 * (__u64)(instruction >> 8 & 0xff);
		frame->previous_pc = frame->link;
	} else {
		frame->previous = base - (frame->link & ~7ull);
		frame->is_entry = (frame->link & GP_LUAJIT_LINK_TYPE) == GP_LUAJIT_LINK_C;
		if ((frame->link & GP_LUAJIT_LINK_TYPE_P) == GP_LUAJIT_LINK_CONT) {
			if (gp_luajit_slots(w, lj, base - slot, slots))
				return -1;
			frame->is_entry = slots[0] == GP_LUAJIT_CONT_CALLBACK;
			frame->previous_pc = frame->is_entry ? 0 : slots[1];
		}
	}
	if (frame->previous >= base)
		return -1; /* links lead down */
	if (frame->previous <= w->luajit.bottom + slot)
		frame->previous = 0; /* the state's own */
	return 0;
}

/*
 * Reads the frame whose base is in w->luajit.caller; its link is w->luajit.link, if that is set. Leaves a function's
 * GCproto in w->object.
 */
GP_INLINE int gp_luajit_read(struct gp_walk *w)
{
	const struct gp_luajit *lj = (const struct gp_luajit *)gp_layout_of(w, GP_RUNTIME_LUAJIT);
	struct gp_luajit_frame *frame = &w->luajit.caller;
	__u64 slots[2], link = w->luajit.link;
	__u32 kind;

	w->luajit.link = 0;
	frame->kind = GP_LUAJIT_NO_FRAME;
	frame->is_entry = 0;
	frame->pc = frame->previous = frame->previous_pc = 0;
	frame->size = 0;
	if (!lj || frame->base & 7 || frame->base <= w->luajit.bottom || frame->base > w->luajit.limit ||
	    gp_luajit_slots(w, lj, frame->base, slots))
		return 0;
	frame->function = slots[0] & GP_LUAJIT_REFERENCE;
	frame->link = link ? link : slots[1];
	if (gp_read_user(w, w->object, GP_LUAJIT_FUNCTION_BYTES, frame->function))
		return 0;
	kind = gp_object_byte(w, lj->object_type);
	if (kind == GP_LUAJIT_THREAD) {
		kind = GP_LUAJIT_DUMMY;
	} else if (kind != GP_LUAJIT_FUNCTION) {
		return 0;
	} else if (gp_object_byte(w, lj->function_kind)) {
		kind = GP_LUAJIT_FRAME_C;
		if (gp_read_user(w, &frame->code, 8, frame->function + lj->function_c))
			return 0;
	} else {
		kind = GP_LUAJIT_FRAME_LUA;
		frame->code = gp_luajit_reference(w, lj, lj->function_pc);
		if (gp_read_user(w, w->object, (__u32)GP_BOUND(lj->proto_bytes, 127), frame->code - lj->proto_bytes) ||
		    gp_object_byte(w, lj->object_type) != GP_LUAJIT_PROTO)
			return 0;
		frame->size = 4 * GP_BOUND(gp_object_half(w, lj->proto_code_size), 0xffffff);
	}
	if (gp_luajit_follow(w, lj) == 0)
		frame->kind = (__u8)kind;
	return 0;
}

GP_PART_OF(GP_RUNTIME_LUAJIT, gp_luajit_read)
