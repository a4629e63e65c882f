/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The native step, x86-64: from a frame to its caller by unwind rule, else by frame pointer (flagged as a guess). */
#pragma once

#include "bpf/walk/interpreter.h"
#include "bpf/walk/mapping.h"
#include "bpf/walk/pattern.h"
#include "bpf/walk/rows.h"
#include "bpf/walk/stack.h"

#ifdef __bpf__
GP_INLINE struct gp_cache_entry *gp_cache_slot(__u32 pid, __u64 pc);
#else
GP_INLINE struct gp_cache_entry *gp_cache_slot(__u32 pid, __u64 pc)
{
	(void)pid;
	(void)pc;
	return 0;
}
#endif

/* The runtime that made the code at a pc in no file. */
GP_INLINE __u32 gp_generated_by(struct gp_walk *w, __u64 pc)
{
	for (__u32 runtime = 1; runtime < GP_RUNTIMES; runtime++) {
		const struct gp_runtime_entry *entry =
			w->runtime[runtime] ? gp_find_runtime((__u32)w->runtime[runtime] - 1) : 0;

		if (!entry || entry->kind != runtime)
			continue;
		if (pc - entry->jit_start < entry->jit_end - entry->jit_start)
			return runtime;
		if (entry->flags & GP_RUNTIME_CODE_IS_SHARED && w->mapping.flags & GP_MAPPING_SHARED)
			return runtime;
	}
	return GP_RUNTIME_NONE;
}

/*
 * PHP's compiled code runs in the frame of the loop that entered it (ZEND_VM_HYBRID_JIT_RED_ZONE_SIZE,
 * Zend/zend_vm_gen.php of 8.1 to 8.6), or is a shared piece that such code called, with up to two words more on the stack
 * (SP_ADJ_ASSIGN, ext/opcache/jit/zend_jit_x86.dasc of 8.2). Makes the walk go on as if the loop itself ran. 1: done.
 */
GP_INLINE int gp_enter_loop_frame(struct gp_walk *w)
{
	__u32 index = w->runtime[GP_BOUND(w->found.runtime, GP_RUNTIME_SLOTS - 1)];
	const struct gp_runtime_entry *entry = index ? gp_find_runtime(index - 1) : 0;
	__u64 sp = w->registers.value[GP_REG_RSP];
	__u64 top[2] = { 0, 0 };

	if (!entry || !entry->loop)
		return 0;
	/* After a call from generated code its mapping need not be the one met last. */
	if (GP_CALL(gp_find_mapping, w) == 1 && gp_read_user(w, top, sizeof(top), sp) == 0) {
		__u64 size = w->mapping.end - w->mapping.start;

		if (top[0] - w->mapping.start < size)
			sp += 8;
		else if (top[1] - w->mapping.start < size)
			sp += 16;
	}
	w->registers.value[GP_REG_RSP] = sp;
	w->registers.value[GP_REG_RIP] = entry->loop;
	w->registers.is_return = 0;
	return 1;
}

GP_PART(gp_enter_loop_frame)

/* Looks up rule and place of the pc into w->found. 1: there, 0: w->end says why not, -1: try again. */
GP_INLINE int gp_lookup(struct gp_walk *w)
{
	__u64 pc = gp_lookup_pc(w);
	struct gp_cache_entry *at = &w->found;
	int found = GP_CALL(gp_find_mapping, w);

	if (found < 0) {
		if (w->retries++ < 3)
			return -1;
		found = 0;
	}
	if (!found) {
		w->end = GP_END_NO_MAPPING;
		return 0;
	}
	at->pc = pc;
	at->pid = w->table_pid;
	at->mappings = w->mappings;
	at->offset = pc - w->mapping.start + w->mapping.offset;
	at->file = w->mapping.file;
	at->runtime = GP_RUNTIME_NONE;
	at->page = 0;
	at->page_word = GP_PAGE_EMPTY;
	at->rule.cfa_op = GP_CFA_NONE;
	if (w->mapping.file == GP_NO_FILE) {
		at->runtime = gp_generated_by(w, pc);
		return 1;
	}

	const struct gp_file *file = gp_find_file(w->mapping.file);

	if (!file) {
		w->end = GP_END_NO_MAPPING;
		return 0;
	}
	if (file->state != GP_FILE_LOADED) {
		w->end = file->state == GP_FILE_NOT_LOADED ? GP_END_PAGE_MISSING : GP_END_PAGE_UNREADABLE;
		return 0;
	}
	for (int i = 0; i < GP_EVAL_RANGES; i++) {
		if (at->offset - file->eval[i].start < file->eval[i].end - file->eval[i].start)
			at->runtime = file->runtime;
	}

	__u64 page = (at->offset >> GP_PAGE_SHIFT) - file->page_base;

	if (page >= file->page_count)
		return 1; /* outside all code: no rule */
	at->page = file->page_first + (__u32)page;

	const __u64 *directory = gp_find_page_word(at->page);

	if (!directory)
		return 1;
	at->page_word = GP_READ_ONCE(*directory);
	if (at->page_word == GP_PAGE_EMPTY)
		return 1;
	if (at->page_word == GP_PAGE_NOT_LOADED) {
		w->end = GP_END_PAGE_MISSING;
		return 0;
	}
	if (at->page_word == GP_PAGE_UNREADABLE) {
		w->end = GP_END_PAGE_UNREADABLE;
		return 0;
	}
	found = GP_CALL(gp_search_rule, w);
	GP_BARRIER();
	/* Evicted and reused while we searched: the word has another generation then. */
	if (found < 0 || GP_READ_ONCE(*directory) != at->page_word) {
		w->end = GP_END_PAGE_MISSING;
		return 0;
	}
	if (!found)
		at->rule.cfa_op = GP_CFA_NONE;
	return 1;
}

GP_PART(gp_lookup)

/* No rule covers the pc: rbp may be a frame pointer. The frame just pushed gets the flag. */
GP_INLINE int gp_step_frame_pointer(struct gp_walk *w, int is_guess)
{
	__u64 fp = w->registers.value[GP_REG_RBP];
	__u64 sp = w->registers.value[GP_REG_RSP];
	__u64 caller_fp, pc;

	if (!(w->registers.valid & (1u << GP_REG_RBP)))
		return gp_finish(w, GP_END_NO_RULE);
	if (fp == 0)
		return gp_finish(w, GP_END_ROOT); /* by the ABI's convention, the outermost frame */
	if (is_guess) {
		/* 1 MiB: no sane frame is larger, and a register that is no frame pointer is far off. */
		if (fp < sp || fp - sp > (1u << 20) || (fp & 7))
			return gp_finish(w, GP_END_NO_RULE);
		w->guessed = 1;
	}
	gp_window_around(w, fp + 16);
	if (gp_load(w, fp, &caller_fp) || gp_load(w, fp + 8, &pc))
		return gp_finish(w, is_guess ? GP_END_NO_RULE : GP_END_STACK_READ);
	if (is_guess) {
		/* Only rbp is known beyond a guess. */
		w->registers.valid &= ~GP_REGS_CALLEE_SAVED;
		w->registers.valid |= 1u << GP_REG_RBP;
	}
	w->registers.value[GP_REG_RBP] = caller_fp;
	return gp_enter_caller(w, pc, fp + 16);
}

/* Offset of uc_mcontext in struct ucontext: uc_flags, uc_link, uc_stack (arch/x86/include/uapi/asm/sigcontext.h). */
#define GP_UCONTEXT_REGISTERS 40

/* A signal trampoline: every register of the interrupted code is in the frame the kernel pushed. */
GP_INLINE int gp_step_signal(struct gp_walk *w, __s64 offset)
{
	__u64 address = w->registers.value[GP_REG_RSP] + (__u64)offset + GP_UCONTEXT_REGISTERS;
	__u64 *value = w->registers.value;

	if (gp_read_user(w, w->context, sizeof(w->context), address) != 0)
		return gp_finish(w, GP_END_STACK_READ);
	/* struct sigcontext_64 begins r8-r15, di, si, bp, bx, dx, ax, cx, sp, ip. */
	for (int i = 0; i < 8; i++)
		value[8 + i] = w->context[i];
	value[5] = w->context[8];
	value[4] = w->context[9];
	value[6] = w->context[10];
	value[3] = w->context[11];
	value[1] = w->context[12];
	value[0] = w->context[13];
	value[2] = w->context[14];
	value[7] = w->context[15];
	value[16] = w->context[16];
	w->registers.valid = GP_REGS_ALL;
	w->registers.is_return = 0;
	return 0;
}

/* The canonical frame address by a rule; 0 when it cannot be had. */
GP_INLINE __u64 gp_rule_cfa(struct gp_walk *w, const struct gp_rule *rule)
{
	__u32 number = rule->cfa_reg & 31;
	__u64 base, inner;

	if (rule->cfa_op == GP_CFA_PLT) {
		base = w->registers.value[GP_REG_RSP] + 8;
		return base + ((w->registers.value[GP_REG_RIP] & 15) >= (__u64)rule->cfa_offset ? 8 : 0);
	}
	if (number >= GP_REGS || !(w->registers.valid & (1u << number)))
		return 0;
	base = w->registers.value[number];
	if (rule->cfa_op == GP_CFA_REG)
		return base + (__u64)(__s64)rule->cfa_offset;
	if (rule->cfa_op == GP_CFA_REG_DEREF)
		return gp_load(w, base + (__u64)(__s64)rule->cfa_offset, &inner) ? 0 : inner;
	return gp_load(w, base + (__u64)(__s64)rule->ra_offset * 8, &inner)
		       ? 0
		       : inner + (__u64)(__s64)rule->cfa_offset;
}

/* Restores one callee-saved register of the caller from `words` above `base`. */
GP_INLINE void gp_restore(struct gp_walk *w, __u32 number, __s8 words, __u64 base)
{
	__u64 value;

	if (words == GP_SAVED_UNKNOWN || gp_load(w, base + (__u64)((__s64)words * 8), &value)) {
		w->registers.valid &= ~(1u << number);
		return;
	}
	w->registers.value[number] = value;
	w->registers.valid |= 1u << number;
}

/* Steps by the CFA rule in w->found. */
GP_INLINE int gp_step_rule(struct gp_walk *w)
{
	const struct gp_rule *rule = &w->found.rule;
	__u64 sp = w->registers.value[GP_REG_RSP];
	__u64 fp = w->registers.value[GP_REG_RBP];
	__u64 cfa = gp_rule_cfa(w, rule);
	__u64 pc;

	if (cfa == 0)
		return gp_finish(w, GP_END_STACK_READ);
	if (cfa <= sp && !(rule->ra_op == GP_RA_REGISTER && cfa == sp))
		return gp_finish(w, GP_END_NO_PROGRESS);
	gp_window_around(w, cfa);
	if (rule->ra_op == GP_RA_REGISTER) {
		__u32 number = (__u32)rule->ra_offset & 31;

		if (number >= GP_REGS || !(w->registers.valid & (1u << number)))
			return gp_finish(w, GP_END_STACK_READ);
		pc = w->registers.value[number];
	} else {
		__s64 offset = rule->cfa_op == GP_CFA_REG_DEREF_ADD ? -8 : rule->ra_offset;

		if (gp_load(w, cfa + (__u64)offset, &pc))
			return gp_finish(w, GP_END_STACK_READ);
	}

	const int at_fp = rule->flags & GP_RULE_SAVED_AT_FP;
	/* Where rbp is not known nothing can be read: not at addresses around 0. */
	const __u64 base = !at_fp ? cfa : w->registers.valid & (1u << GP_REG_RBP) ? fp : 0;

#define GP_RESTORE(which, number)                                                              \
	do {                                                                                   \
		__s8 words = rule->saved[which];                                               \
		if (words != GP_SAVED_SAME)                                                    \
			gp_restore(w, number, at_fp && words == GP_SAVED_AT_FP_ZERO ? 0 : words, base); \
	} while (0)
	GP_RESTORE(0, 3);
	GP_RESTORE(1, 6);
	GP_RESTORE(2, 12);
	GP_RESTORE(3, 13);
	GP_RESTORE(4, 14);
	GP_RESTORE(5, 15);
#undef GP_RESTORE
	return gp_enter_caller(w, pc, cfa);
}

/* Steps from the frame in w->found to its caller. */
GP_INLINE int gp_step_caller(struct gp_walk *w)
{
	switch (w->found.rule.cfa_op) {
	case GP_CFA_ROOT:
		return gp_finish(w, GP_END_ROOT);
	case GP_CFA_NONE:
		return gp_step_frame_pointer(w, 1);
	case GP_CFA_FRAME_POINTER:
		return gp_step_frame_pointer(w, 0);
	case GP_CFA_SIGNAL:
		return gp_step_signal(w, w->found.rule.cfa_offset);
	default:
		return gp_step_rule(w);
	}
}

GP_PART(gp_step_caller)

/* Makes w->found speak of the pc, from the cache when it can. As gp_lookup(). */
GP_INLINE int gp_place(struct gp_walk *w)
{
	__u64 pc = gp_lookup_pc(w);
	struct gp_cache_entry *cached = gp_cache_slot(w->table_pid, pc);

	if (cached && cached->pc == pc && cached->pid == w->table_pid && cached->mappings == w->mappings) {
		const __u64 *directory = gp_find_page_word(cached->page);

		/* Of the words that are states only GP_PAGE_EMPTY is cached: it stays what it is. */
		if (directory && (cached->page_word == GP_PAGE_EMPTY || GP_READ_ONCE(*directory) == cached->page_word)) {
			w->found = *cached;
			return 1;
		}
	}
	int found = GP_CALL(gp_lookup, w);

	if (found == 1 && cached)
		*cached = w->found;
	return found;
}

/* The frame pushed last was left by a guess. */
GP_INLINE int gp_came_by_guess(struct gp_walk *w)
{
	return w->frames > 0 &&
	       (w->record.frames[GP_BOUND(w->frames - 1, GP_MAX_FRAMES - 1)].flags & GP_FRAME_GUESSED);
}

/* One native frame. 1: the walk is over. */
GP_INLINE int gp_native_step(struct gp_walk *w)
{
	int found = gp_place(w);

	if (found < 0)
		return 0;
	if (!found) {
		/* After a guess an address in no mapping only says that the guess was wrong. */
		if (w->end == GP_END_NO_MAPPING && gp_came_by_guess(w))
			w->end = GP_END_NO_RULE;
		return 1;
	}
	const struct gp_cache_entry *at = &w->found;

	if (at->runtime != GP_RUNTIME_NONE && w->pass_eval == GP_EVAL_UNSEEN) {
		int moved = at->file == GP_NO_FILE && GP_CALL(gp_enter_loop_frame, w);

		if (!gp_is_done(w, at->runtime))
			w->unwinder = at->runtime;
		if (moved || w->unwinder)
			return 0;
	}
	/* Also where a runtime looked at it, because it lies where its own code may lie, and it is none. */
	if (at->file == GP_NO_FILE && w->runtime[GP_RUNTIME_PCRE] &&
	    (at->runtime == GP_RUNTIME_NONE || w->pass_eval == GP_EVAL_SHOW)) {
		int left = GP_CALL(gp_leave_pattern, w);

		if (left) {
			w->pass_eval = GP_EVAL_UNSEEN;
			return left < 0;
		}
	}
	__u8 flags = w->registers.is_return ? GP_FRAME_RETURN_ADDRESS : 0;

	if (at->rule.cfa_op == GP_CFA_NONE)
		flags |= GP_FRAME_GUESSED;
	__u32 pass = w->pass_eval;

	w->pass_eval = GP_EVAL_UNSEEN;
	if (pass == GP_EVAL_HIDE) {
		/* its interpreted frames stand for it */
	} else if (at->file == GP_NO_FILE) {
		if (!gp_push(w, GP_FRAME_JIT, flags, 0, 0, w->registers.value[GP_REG_RIP]))
			return 1;
	} else if (!gp_push(w, GP_FRAME_NATIVE, flags, 0, at->file, at->offset + (w->registers.is_return ? 1 : 0))) {
		return 1;
	}
	return GP_CALL(gp_step_caller, w);
}
