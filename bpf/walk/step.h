/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One step of a walk: whoever unwinds the code at hand makes the next frame. A new runtime adds its case here. */
#pragma once

#include "bpf/walk/native.h"
#include "bpf/walk/python.h"

GP_PART(gp_python_step)

/* 0: go on, 1: the walk is over and w->end says how. */
GP_INLINE int gp_step(struct gp_walk *w)
{
	if (w->frames >= GP_MAX_FRAMES)
		return gp_finish(w, GP_END_DEPTH);
	if (w->unwinder == GP_UNWIND_PYTHON)
		return GP_CALL(gp_python_step, w);
	return gp_native_step(w);
}
