/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Leaves code that PCRE2 compiled from a pattern, x86-64. It lies in no file and has no unwind rules, but all of it has
 * one frame, which the few places that call it know: it pushes rbx, r15, r14, r13 and rbp, then makes room for what the
 * pattern needs (sljit_emit_enter, sljitNativeX86_64.c; compile_matchingpath's private data, pcre2_jit_compile.c; seen
 * alike in 10.36, 10.42, 10.45 and 10.47). So the nearest word on the stack that is one of the addresses behind those
 * calls is its return address, and what it saved lies right below. An earlier match, deeper in the stack, may have left
 * such a word in room that the pattern has not written to yet: what tells it apart is where the call's arguments are, whose
 * address the pattern has in a register (ARGUMENTS, pcre2_jit_compile.c): of the words below those the one next to them is it.
 */
#pragma once

#include "bpf/abi/pcre.h"
#include "bpf/walk/frames.h"
#include "bpf/walk/interpreter.h"
#include "bpf/walk/stack.h"

/* Bytes of stack searched; patterns with hundreds of groups need more than one window. */
#define GP_PATTERN_BYTES 4096
/* Turns of the search: each goes on by a window, or behind a word that an earlier match left. */
#define GP_PATTERN_TURNS 16

GP_INLINE int gp_is_pattern_site(const struct gp_pcre *pcre, __u64 word)
{
	for (int i = 0; i < GP_PCRE_SITES; i++)
		if (word && word == pcre->sites[i])
			return 1;
	return 0;
}

/* The arguments are a variable of pcre2_jit_match, with no more than this between it and its calls' return address... */
#define GP_PATTERN_CALLER 512
/* ...but where it calls on the machine's stack, which lies between them (MACHINE_STACK_SIZE, pcre2_jit_compile.c). */
#define GP_PATTERN_MACHINE_STACK 32768
#define GP_PATTERN_SPAN (GP_PATTERN_BYTES + GP_PATTERN_MACHINE_STACK + GP_PATTERN_CALLER)

enum gp_arguments { GP_ARGUMENTS_NOT = 0, GP_ARGUMENTS_FIT, GP_ARGUMENTS_ELSEWHERE };

/* Whether a register has the address of the arguments of the call that would return by the word at `at`. */
GP_INLINE enum gp_arguments gp_arguments_in(struct gp_walk *w, __u32 number, __u64 at)
{
	__u64 arguments = w->registers.value[number];

	if (!(w->registers.valid & (1u << number)) || arguments - w->registers.value[GP_REG_RSP] > GP_PATTERN_SPAN)
		return GP_ARGUMENTS_NOT;
	if (arguments - at <= GP_PATTERN_CALLER ||
	    arguments - at - GP_PATTERN_MACHINE_STACK <= GP_PATTERN_CALLER)
		return GP_ARGUMENTS_FIT;
	return GP_ARGUMENTS_ELSEWHERE;
}

/*
 * The same of the call at hand and the word at w->context[0]: in its first instructions the address of its arguments is in
 * rdi, then in rbx (SLJIT_S0) until captures are cleared, then in rbp. GP_ARGUMENTS_NOT: none of them has one.
 */
GP_INLINE int gp_is_call_at_hand(struct gp_walk *w)
{
	__u64 at = w->context[0];
	enum gp_arguments first = gp_arguments_in(w, 5, at); /* rdi */
	enum gp_arguments second = gp_arguments_in(w, 3, at); /* rbx */
	enum gp_arguments then = gp_arguments_in(w, GP_REG_RBP, at);

	if (first == GP_ARGUMENTS_FIT || second == GP_ARGUMENTS_FIT || then == GP_ARGUMENTS_FIT)
		return GP_ARGUMENTS_FIT;
	if (first == GP_ARGUMENTS_NOT && second == GP_ARGUMENTS_NOT && then == GP_ARGUMENTS_NOT)
		return GP_ARGUMENTS_NOT;
	return GP_ARGUMENTS_ELSEWHERE;
}

GP_PART(gp_is_call_at_hand)

/* Searches the window. Leaves the address of the return address in w->context[0], 0: it is not there. */
GP_INLINE int gp_search_window(struct gp_walk *w)
{
	const struct gp_pcre *pcre = (const struct gp_pcre *)gp_layout_of(w, GP_RUNTIME_PCRE);

	w->context[0] = 0;
	for (__u32 i = 0; pcre && i < GP_WINDOW_WORDS && 8 * i < w->window_bytes; i++) {
		__u64 word = w->window[i];

		if (gp_is_pattern_site(pcre, word)) {
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
	__u64 start = w->registers.value[GP_REG_RSP] & ~7ull, from = start, at = 0;

	if (!gp_layout_of(w, GP_RUNTIME_PCRE))
		return 0;
	for (int i = 0; i < GP_PATTERN_TURNS && from - start < GP_PATTERN_BYTES; i++) {
		if ((at && from - at > GP_PATTERN_CALLER) || gp_window_fill(w, from))
			break;
		GP_CALL(gp_search_window, w);
		__u64 next = w->context[0];

		from = next ? next + 8 : from + GP_WINDOW_BYTES;
		int fits = next ? GP_CALL(gp_is_call_at_hand, w) : GP_ARGUMENTS_ELSEWHERE;

		if (fits == GP_ARGUMENTS_ELSEWHERE)
			continue;
		at = next;
		if (fits == GP_ARGUMENTS_NOT)
			break;
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
