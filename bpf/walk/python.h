/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * CPython 3.11 and later: one frame of the interpreter's own chain a turn, handed over to native code where C called the
 * interpreter. Layouts: struct gp_python; where they come from: src/runtimes/python.
 *
 * The chain and the native stack fit together like this: every C activation of _PyEval_EvalFrameDefault owns a run of
 * Python frames (calls from Python to Python stay inside it), from the newest down to an entry. On 3.11 the run's last
 * frame is marked is_entry; later a shim frame below it lies on the C stack and is owned by it.
 */
#pragma once

#include "bpf/walk/python_objects.h"
#include "bpf/walk/python_symbol.h"

#define GP_PYTHON_SEARCH_STEPS 4   /* thread states looked at in one turn; bounds what the verifier has to follow */
#define GP_PYTHON_SEARCH_TURNS 256   /* 1,024 thread states and interpreters in all */
#define GP_PYTHON_FRAME_TURNS (2 * GP_MAX_FRAMES) /* frames and shims: ends chains that go round */
#define GP_PYTHON_IN_CFRAME 1 /* w->python.frame: the _PyCFrame of the activation that is met next tells */

/* The activation at hand has no more frames: native code goes on. */
GP_INLINE int gp_python_leave(struct gp_walk *w, enum gp_pass_eval pass)
{
	w->python.pushed = 0;
	w->python.checked = 1;
	return gp_hand_back(w, pass);
}

GP_INLINE int gp_python_fail(struct gp_walk *w, enum gp_walk_end why)
{
	w->python.checked = 1;
	return gp_fail_runtime(w, GP_RUNTIME_PYTHON, why);
}

/* Starts the search at the newest interpreter. */
GP_INLINE int gp_python_list_threads(struct gp_walk *w, const struct gp_python *python)
{
	w->python.state = GP_PYTHON_SEARCHING;
	return gp_read_user(w, &w->python.interpreter, 8, python->runtime_address + python->interpreters_head) ||
	       gp_read_user(w, &w->python.thread, 8, w->python.interpreter + python->threads_head);
}

GP_INLINE int gp_python_begin(struct gp_walk *w, const struct gp_python *python)
{
	__u64 *cached = gp_thread_cache(w, GP_RUNTIME_PYTHON);

	w->python.turns = 0;
	w->python.pushed = 0;
	w->python.checked = 0;
	w->python.outer_known = 0;
	w->python.candidate = 0;
	if (cached && *cached) {
		w->python.state = GP_PYTHON_CACHED;
		w->python.thread = *cached;
		return 0;
	}
	return gp_python_list_threads(w, python) ? gp_python_fail(w, GP_END_RUNTIME_READ) : 0;
}

/*
 * True when frames that live at or above `on_stack` are not those of the C activation at hand: an eval loop links its
 * frames after it was entered and unlinks them before it returns. That happens to the innermost activation alone (the
 * outer ones are in the middle of a call), whose stack lies below that of the activation the frames belong to.
 */
GP_INLINE int gp_python_is_foreign(struct gp_walk *w, __u64 on_stack)
{
	return !w->python.checked && !w->drain && gp_is_above_frame(w, on_stack);
}

/* Draining: whoever puts the native frames in between has to know whose the innermost frames are. */
GP_INLINE void gp_python_set_place(struct gp_walk *w, __u64 on_stack)
{
	if (!w->python.checked)
		gp_set_place(w, on_stack);
}

/* Takes back what was pushed for the activation at hand: it has no frames, and `next` is the first of the one above. */
GP_INLINE int gp_python_take_back(struct gp_walk *w, __u64 next)
{
	w->frames -= w->python.pushed;
	w->python.frame = next;
	gp_python_set_place(w, GP_PLACE_OUTER);
	return gp_python_leave(w, GP_EVAL_SHOW);
}

/*
 * 3.11 and 3.12 link the activation's _PyCFrame into the thread before they set its current_frame, which until then is
 * what the stack happened to hold. The _PyCFrame before it says where the frames of the activation above begin, if that is
 * set already: compilers reorder. Sure is that each activation has it at the same place of its stack frame.
 */
GP_INLINE void gp_python_find_outer(struct gp_walk *w, const struct gp_python *python, __u64 cframe)
{
	__u64 before, end = gp_frame_end(w);

	w->python.outer_known = 0;
	w->python.depth = cframe && !w->drain && end ? end - cframe : 0;
	if (cframe && gp_read_user(w, &before, 8, cframe + python->cframe_frame + 8) == 0 && before &&
	    gp_read_user(w, &w->python.outer, 8, before + python->cframe_frame) == 0)
		w->python.outer_known = 1;
}

/*
 * The native frames so far are of a collection of garbage. Others see the flag too: those that run Python code, while
 * finalizers run, are not taken in, nor, where threads say so (3.12+), are those that run C code without the lock.
 */
GP_INLINE int gp_python_is_collecting(struct gp_walk *w, const struct gp_python *python, __u64 thread, int active)
{
	__u64 owner = python->runtime_address;
	__u32 collecting = 0;

	if (!python->collecting || !active || w->drain || w->frames == 0)
		return 0;
	if (!python->collecting_in_runtime && gp_read_user(w, &owner, 8, thread + python->thread_interpreter))
		return 0;
	return gp_read_user(w, &collecting, 4, owner + python->collecting) == 0 && collecting == 1;
}

/* The thread state is found: its frames come next. */
GP_INLINE int gp_python_start(struct gp_walk *w, const struct gp_python *python, __u64 thread, __u64 frame, __u64 cframe,
			      int active)
{
	__u64 *cached = gp_thread_cache(w, GP_RUNTIME_PYTHON);

	if (cached)
		*cached = thread;
	w->python.state = GP_PYTHON_READY;
	w->python.turns = 0;
	if (gp_python_is_collecting(w, python, thread, active) &&
	    !gp_push_interpreted(w, GP_FRAME_NOTE, 0, 0, GP_RUNTIME_PYTHON, GP_NOTE_GARBAGE))
		return 1;
	w->python.frame = frame;
	w->python.first = frame;
	if (cframe && gp_python_is_foreign(w, cframe))
		return gp_python_leave(w, GP_EVAL_SHOW);
	gp_python_find_outer(w, python, cframe);
	gp_python_set_place(w, cframe);
	return 0;
}

/* Current frame of the thread state in w->object. */
GP_INLINE int gp_python_current_frame(struct gp_walk *w, const struct gp_python *python, __u64 *frame, __u64 *cframe)
{
	*frame = gp_object_word(w, python->thread_frame);
	*cframe = 0;
	if (!python->frame_indirect)
		return 0;
	*cframe = *frame;
	return gp_read_user(w, frame, 8, *cframe + python->cframe_frame) ? -1 : 0;
}

/* The thread state in w->object runs now; versions that do not say are taken to. */
GP_INLINE int gp_python_is_active(struct gp_walk *w, const struct gp_python *python)
{
	return !python->thread_status || (gp_object_half(w, python->thread_status) & GP_PYTHON_STATUS_ACTIVE);
}

/*
 * Looks at some thread states, newest interpreter first. A thread can have one in several interpreters: the active one
 * is right; while it runs C code without the interpreter's lock none is active, and the newest with a frame is taken.
 */
GP_INLINE int gp_python_search(struct gp_walk *w, const struct gp_python *python)
{
	if (++w->python.turns > GP_PYTHON_SEARCH_TURNS)
		return gp_python_fail(w, GP_END_RUNTIME_READ);

	for (int step = 0; step < GP_PYTHON_SEARCH_STEPS; step++) {
		__u64 thread = w->python.thread;
		__u64 frame = 0, cframe = 0;

		if (thread == 0) {
			if (w->python.interpreter == 0)
				break;
			if (gp_read_user(w, &w->python.interpreter, 8, w->python.interpreter + python->interpreter_next))
				return gp_python_fail(w, GP_END_RUNTIME_READ);
			if (w->python.interpreter == 0)
				break;
			if (gp_read_user(w, &w->python.thread, 8, w->python.interpreter + python->threads_head))
				return gp_python_fail(w, GP_END_RUNTIME_READ);
			continue;
		}

		int readable = gp_read_user(w, w->object, GP_BOUND(python->thread_bytes, 255), thread) == 0;
		int matches = readable && gp_object_word(w, python->thread_id) == w->thread_pointer &&
			      gp_python_current_frame(w, python, &frame, &cframe) == 0;

		if (matches && frame != 0 && gp_python_is_active(w, python))
			return gp_python_start(w, python, thread, frame, cframe, 1);
		if (w->python.state == GP_PYTHON_CACHED) {
			if (gp_python_list_threads(w, python))
				return gp_python_fail(w, GP_END_RUNTIME_READ);
			continue;
		}
		if (!readable)
			return gp_python_fail(w, GP_END_RUNTIME_READ);
		if (matches && (w->python.candidate == 0 || w->python.frame == 0)) {
			w->python.candidate = thread;
			w->python.frame = frame;
			w->python.first = cframe;
		}
		w->python.thread = gp_object_word(w, python->thread_next);
	}
	if (w->python.thread != 0 || w->python.interpreter != 0)
		return 0; /* goes on in the next turn */
	if (w->python.candidate == 0)
		return gp_python_fail(w, GP_END_RUNTIME_READ);
	return gp_python_start(w, python, w->python.candidate, w->python.frame, w->python.first, !python->thread_status);
}

/* The innermost activation has no frames: those of the one above follow. */
GP_INLINE int gp_python_pass_over(struct gp_walk *w)
{
	return gp_python_take_back(w, w->python.depth ? GP_PYTHON_IN_CFRAME : w->python.outer);
}

/* The innermost activation's frames lead to `previous`, which is not where they have to. */
GP_INLINE int gp_python_is_unlinked(struct gp_walk *w, __u64 previous)
{
	return !w->python.checked && w->python.outer_known && previous != w->python.outer;
}

/*
 * A frame that cannot be read, or is none. Those of the newest activation were in use just now: if they lead nowhere, they
 * are what the stack happened to hold, and may well begin with frames that were left a moment ago.
 */
GP_INLINE int gp_python_broken(struct gp_walk *w)
{
	if (!w->python.checked && (w->python.outer_known || w->python.depth))
		return gp_python_pass_over(w);
	return gp_python_fail(w, GP_END_RUNTIME_READ);
}

/* The shim below the frames of one C activation. The last of those pushed since the activation was met gets its mark. */
GP_INLINE int gp_python_shim(struct gp_walk *w, __u64 shim, __u64 previous)
{
	if (gp_python_is_unlinked(w, previous))
		return gp_python_pass_over(w);
	if (gp_python_is_foreign(w, shim))
		return gp_python_take_back(w, w->python.first);
	if (w->python.pushed == 0)
		return gp_python_take_back(w, previous); /* it returns: its last frame has gone */
	w->python.frame = previous;
	gp_python_set_place(w, shim);
	w->record.frames[GP_BOUND(w->frames - 1, GP_MAX_FRAMES - 1)].flags |= GP_FRAME_ENTRY;
	return gp_python_leave(w, GP_EVAL_HIDE);
}

/*
 * Where the bytecode begins that the frame runs. On 3.14t each thread has its own copy, found by the frame's index in an
 * array of a size and pointers: _PyFrame_GetBytecode of Include/internal/pycore_interpframe.h. The first is the code
 * object's own. 0: not known.
 */
GP_INLINE __u64 gp_python_bytecode(struct gp_walk *w, const struct gp_python *python, __u64 code, __u32 copy)
{
	__u64 copies, start;

	if (copy == 0)
		return code + python->code_start;
	if (gp_read_user(w, &copies, 8, code + python->code_copies) || gp_read_user(w, &start, 8, copies) ||
	    copy >= start || gp_read_user(w, &start, 8, copies + 8 + 8ull * copy))
		return 0;
	return start;
}

/* Code unit of a frame's instruction; a new frame's pointer is one before the first or not set at all. */
GP_INLINE __u32 gp_python_unit(__u64 instruction, __u64 start)
{
	__u64 unit = (instruction - start) >> 1; /* _Py_CODEUNIT: 2 bytes, Include/cpython/code.h */

	if (start == 0)
		return GP_PYTHON_NO_LINE;
	return unit < GP_PYTHON_NO_LINE ? (__u32)unit : GP_PYTHON_NOT_STARTED;
}

/* The newest frame of the activation at hand, as its own _PyCFrame has it. */
GP_INLINE int gp_python_in_cframe(struct gp_walk *w, const struct gp_python *python)
{
	__u64 end = gp_frame_end(w);

	if (!end || gp_read_user(w, &w->python.frame, 8, end - w->python.depth + python->cframe_frame))
		return gp_python_fail(w, GP_END_RUNTIME_READ);
	return 0;
}

/* The frame at w->python.frame. */
GP_INLINE int gp_python_frame(struct gp_walk *w, const struct gp_python *python)
{
	__u64 frame = w->python.frame;

	if (frame == GP_PYTHON_IN_CFRAME)
		return gp_python_in_cframe(w, python);
	if (frame == 0) {
		if (gp_python_is_unlinked(w, 0))
			return gp_python_pass_over(w);
		w->python.checked = 1;
		return gp_end_of_runtime(w, GP_RUNTIME_PYTHON, w->python.pushed ? GP_EVAL_HIDE : GP_EVAL_SHOW);
	}
	if (++w->python.turns > GP_PYTHON_FRAME_TURNS ||
	    gp_read_user(w, w->object, GP_BOUND(python->frame_bytes, 255), frame))
		return gp_python_broken(w);

	__u64 code = gp_object_word(w, python->frame_code) & ~7ull; /* 3.14: _PyStackRef, tagged in its low bits */
	__u64 previous = gp_object_word(w, python->frame_previous);
	__u64 instruction = gp_object_word(w, python->frame_instruction);
	__u32 copy = python->frame_bytecode ? gp_object_half(w, python->frame_bytecode) : 0;
	int is_entry = gp_object_byte(w, python->frame_entry) == python->entry_value;

	if (is_entry && !python->entry_is_frame)
		return gp_python_shim(w, frame, previous);
	if (is_entry && gp_python_is_unlinked(w, previous))
		return gp_python_pass_over(w);
	if (gp_read_user(w, w->object, GP_BOUND(python->code_bytes, 255), code))
		return gp_python_broken(w);
	w->python.frame = previous;
	if (python->code_type && gp_object_word(w, python->object_type) != python->code_type) {
		/* From 3.13 on f_executable may be None (no function: nothing to show). */
		return python->version >= 0x030d ? 0 : gp_python_broken(w);
	}

	__u32 cookie = gp_python_cookie(w, python);

	if (!gp_push_code(w, GP_RUNTIME_PYTHON, is_entry ? GP_FRAME_ENTRY : 0, code, cookie,
			  gp_python_unit(instruction, gp_python_bytecode(w, python, code, copy))))
		return 1;
	w->python.pushed++;
	gp_python_ship(w, python, code, cookie, 0, 0);
	return is_entry ? gp_python_leave(w, GP_EVAL_HIDE) : 0;
}

/* One turn of the Python unwinder. 0: go on, 1: the walk is over. */
GP_INLINE int gp_python_step(struct gp_walk *w)
{
	const struct gp_python *python = (const struct gp_python *)gp_layout_of(w, GP_RUNTIME_PYTHON);

	if (!python)
		return gp_python_fail(w, GP_END_RUNTIME_NOT_LOADED);
	if (gp_is_first_turn(w, GP_RUNTIME_PYTHON))
		return gp_python_begin(w, python);
	if (w->python.state != GP_PYTHON_READY)
		return gp_python_search(w, python);
	return python->object_frames ? gp_python_object_frame(w, python) : gp_python_frame(w, python);
}
