/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * CPython before 3.11: the thread's PyFrameObjects, linked by f_back. A call from Python to Python is a call in C as well,
 * so that each activation of the loop has exactly one frame, which it makes the thread's right after it was entered and
 * unmakes right before it returns. Nothing marks where C called the interpreter: the frames are dealt out one by one.
 * Only the innermost activation may be without: while it runs the few instructions before the link and after the unlink
 * (python->unlinked), or its stack frame is not whole (yet, or any more).
 */
#pragma once

#include "bpf/walk/python_symbol.h"

/* The activation at hand, the innermost, has not linked its frame or has unlinked it again. */
GP_INLINE int gp_python_is_not_linked(struct gp_walk *w, const struct gp_python *python)
{
	const struct gp_rule *rule = &w->found.rule;
	__u64 at = w->found.offset - python->loop_start;

	if (w->found.runtime != GP_RUNTIME_PYTHON)
		return 0;
	for (__u32 i = 0; i < GP_PYTHON_UNLINKED; i++) {
		if (at - python->unlinked[i].start < python->unlinked[i].end - python->unlinked[i].start)
			return 1;
	}
	if (w->drain || w->registers.is_return || !python->loop_cfa || rule->cfa_op != GP_CFA_REG ||
	    rule->cfa_reg != GP_REG_RSP)
		return 0;
	return python->loop_register != GP_REG_RSP || rule->cfa_offset < (__s32)python->loop_cfa;
}

/* The frame at w->python.frame, for the activation at hand. */
GP_INLINE int gp_python_object_frame(struct gp_walk *w, const struct gp_python *python)
{
	__u64 frame = w->python.frame;

	if (!w->python.checked) {
		w->python.checked = 1;
		if (gp_python_is_not_linked(w, python)) {
			gp_set_place(w, GP_PLACE_OUTER);
			return gp_hand_back(w, GP_EVAL_SHOW);
		}
	}
	if (frame == 0)
		return gp_end_of_runtime(w, GP_RUNTIME_PYTHON, GP_EVAL_SHOW);
	if (++w->python.turns > GP_MAX_FRAMES || gp_read_user(w, w->object, GP_BOUND(python->frame_bytes, 255), frame))
		return gp_fail_runtime(w, GP_RUNTIME_PYTHON, GP_END_RUNTIME_READ);

	__u64 code = gp_object_word(w, python->frame_code);
	__u32 last = gp_object_half(w, python->frame_instruction);
	__u64 generator = python->frame_generator ? gp_object_word(w, python->frame_generator) : 0;

	w->python.frame = gp_object_word(w, python->frame_previous);
	if (gp_read_user(w, w->object, GP_BOUND(python->code_bytes, 255), code) ||
	    (python->code_type && gp_object_word(w, python->object_type) != python->code_type))
		return gp_fail_runtime(w, GP_RUNTIME_PYTHON, GP_END_RUNTIME_READ);

	__u32 cookie = gp_python_cookie(w, python);

	if (!gp_push_code(w, GP_RUNTIME_PYTHON, GP_FRAME_ENTRY, code, cookie, last))
		return 1;
	gp_python_ship(w, python, code, cookie, generator, frame + python->frame_locals);
	return gp_hand_back(w, GP_EVAL_HIDE);
}
