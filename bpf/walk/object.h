/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Fields of an interpreter's object that was read into w->object. Offsets are aligned to the field's size. */
#pragma once

#include "bpf/walk/state.h"

GP_INLINE __u64 gp_object_word(struct gp_walk *w, __u64 offset)
{
	__u64 value;

	__builtin_memcpy(&value, __builtin_assume_aligned(&w->object[GP_BOUND(offset, GP_OBJECT_BYTES - 8)], 8), 8);
	return value;
}

GP_INLINE __u32 gp_object_half(struct gp_walk *w, __u64 offset)
{
	__u32 value;

	__builtin_memcpy(&value, __builtin_assume_aligned(&w->object[GP_BOUND(offset, GP_OBJECT_BYTES - 4)], 4), 4);
	return value;
}

GP_INLINE __u8 gp_object_byte(struct gp_walk *w, __u64 offset)
{
	return w->object[GP_BOUND(offset, GP_OBJECT_BYTES - 1)];
}
