/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Fields of an interpreter's object that was read into w->object. Offsets are aligned to the field's size. */
#pragma once

#include "bpf/walk/state.h"

GP_INLINE __u64 gp_object_word(struct gp_walk *w, __u64 offset)
{
	return *(__u64 *)&w->object[GP_BOUND(offset, GP_OBJECT_BYTES - 8)];
}

GP_INLINE __u32 gp_object_half(struct gp_walk *w, __u64 offset)
{
	return *(__u32 *)&w->object[GP_BOUND(offset, GP_OBJECT_BYTES - 4)];
}

GP_INLINE __u8 gp_object_byte(struct gp_walk *w, __u64 offset)
{
	return w->object[GP_BOUND(offset, GP_OBJECT_BYTES - 1)];
}
