/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Leaves code that PCRE2 compiled from a pattern, x86-64. It lies in no file and has no unwind rules, but all of it has
 * one frame, which the few places that call it know: it pushes rbx, r15, r14, r13 and rbp, then makes room for what the
 * pattern needs (sljit_emit_enter, sljitNativeX86_64.c; compile_matchingpath's private data, pcre2_jit_compile.c; seen
 * alike in 10.36, 10.42, 10.45 and 10.47). So the nearest word on the stack that is one of the addresses behind those
 * calls is its return address, and what it saved lies right below.
 */
#pragma once

#include "bpf/abi/pcre.h"
#include "bpf/walk/frames.h"
#include "bpf/walk/interpreter.h"
#include "bpf/walk/stack.h"

/* Windows of stack searched: 4 KiB; patterns with hundreds of groups need more than one. */
#define GP_PATTERN_WINDOWS 8

/* Searches the window. Leaves the address of the return address in w->context[0], 0: it is not there. */
GP_INLINE int gp_search_window(struct gp_walk *w)
{
	const struct gp_pcre *pcre = (const struct gp_pcre *)gp_layout_of(w, GP_RUNTIME_PCRE);

	w->context[0] = 0;
	for (__u32 i = 0; pcre && i < GP_WINDOW_WORDS && 8 * i < w->window_bytes; i++) {
		__u64 word = w->window[i];

		if (word && (word == pcre->sites[0] || word == pcre->sites[1] || word == pcre->sites[2] ||
			     word == pcre->sites[3])) {
			w->context[0] = w->window_base + 8 * i;
			break;
		}
	}
	return 0;
}

GP_PART(gp_search_window)

/* What a register was before it was pushed `words` below the return address; what is not pushed yet has its value still. */
GP_INLINE void gp_unpush(struct gp_walk *w, __u32 number, __u64 return_at, __u64 words)
{
	__u64 address = return_at - 8 * words, value;

	if (address < w->registers.value[GP_REG_RSP] || gp_load(w, address, &value))
		return;
	w->registers.value[number] = value;
	w->registers.valid |= 1u << number;
}

/* From compiled code to what called it. 1: done, its frame is pushed; 0: it is none; -1: the stack is full. */
GP_INLINE int gp_leave_pattern(struct gp_walk *w)
{
	__u64 from = w->registers.value[GP_REG_RSP] & ~7ull, at = 0;

	if (!gp_layout_of(w, GP_RUNTIME_PCRE))
		return 0;
	for (int i = 0; i < GP_PATTERN_WINDOWS && !at; i++) {
		if (gp_window_fill(w, from + (__u64)i * GP_WINDOW_BYTES))
			return 0;
		GP_CALL(gp_search_window, w);
		at = w->context[0];
	}

	__u64 caller;

	if (!at || gp_load(w, at, &caller))
		return 0;
	if (!gp_push(w, GP_FRAME_NOTE, 0, 0, GP_RUNTIME_PCRE, GP_NOTE_COMPILED))
		return -1;
	gp_unpush(w, 3, at, 1); /* rbx */
	gp_unpush(w, 15, at, 2);
	gp_unpush(w, 14, at, 3);
	gp_unpush(w, 13, at, 4);
	gp_unpush(w, GP_REG_RBP, at, 5);
	gp_enter_caller(w, caller, at + 8);
	return 1;
}

GP_PART(gp_leave_pattern)
