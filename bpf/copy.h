/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Copies of user stacks that could not be walked, for the agent to walk once it has loaded what was missing. */
#pragma once

#include "bpf/walk/kernel.h"

/* Set before load: pending bytes of the ring above which no stack is copied. */
const volatile __u32 gp_ring_copy_limit = 0;

#define GP_COPY_BYTES_PER_WINDOW (2u << 20) /* of stack a CPU may ship in a tenth of a second: a millisecond's work */
#define GP_COPY_WINDOW_NS 100000000ull

static __always_inline int copy_allowed(struct gp_counters *count, __u64 now)
{
	if (now - count->copy_window_ns > GP_COPY_WINDOW_NS) {
		count->copy_window_ns = now;
		count->copy_window = 0;
	}
	if (count->copy_window >= GP_COPY_BYTES_PER_WINDOW)
		return 0;
	if (bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > gp_ring_copy_limit)
		return 0;
	return 1;
}

struct copy_context {
	struct gp_stack_copy_record *record;
	__u64 from;
	__u64 limit;
};

/* Copies what is left of a page. 1: there is no more. */
static long copy_page(__u32 turn, struct copy_context *context)
{
	struct gp_stack_copy_record *record = context->record;
	__u32 at = record->copy.bytes, limit = (__u32)context->limit;
	__u32 part = 4096 - (__u32)((context->from + at) & 4095);

	if (at + part > limit)
		part = limit - at;
	if (part == 0 || part > 4096 || at > GP_STACK_COPY_SIZE - part)
		return 1;
	if (bpf_probe_read_user(&record->data[GP_BOUND(at, GP_STACK_COPY_SIZE - 1)], part > 4096 ? 4096 : part,
				(void *)(context->from + at)) != 0)
		return 1;
	record->copy.bytes = at + part;
	return 0;
}

/* Ships up to `limit` bytes of user memory from an address up as a record of their own; returns how many there were. */
__noinline int gp_ship_memory(__u32 cpu, __u64 from, __u32 limit)
{
	struct gp_stack_copy_record *record = GP_FIND(copies, cpu);
	struct copy_context context = { .record = record, .from = from, .limit = limit };

	if (!record)
		return 0;
	if (limit > GP_STACK_COPY_SIZE)
		context.limit = GP_STACK_COPY_SIZE;
	record->copy.bytes = 0;
	bpf_loop(GP_STACK_COPY_SIZE / 4096 + 1, copy_page, &context, 0);

	__u32 bytes = record->copy.bytes;

	if (bytes == 0 || bytes > GP_STACK_COPY_SIZE)
		return 0;
	record->copy.base = from;
	record->copy.header.size = sizeof(record->copy) + bytes;
	if (bpf_ringbuf_output(&ring, record, sizeof(record->copy) + bytes, BPF_RB_NO_WAKEUP) != 0)
		return 0;
	return (int)bytes;
}

/*
 * Where rbp points when that is a frame on another stack than rsp's, else 0: C called by Go runs on its thread's stack
 * and leaves rbp at the goroutine's. A frame pointer points at the one before it, a little above. A thread of Ruby has
 * its control frames, a megabyte, on its stack (thread.c: thread_start_func_2): there it goes on behind them.
 */
static __always_inline __u64 other_stack(struct gp_walk *w, __u64 sp, __u32 bytes)
{
	__u64 fp = w->registers.value[GP_REG_RBP], outer = 0;

	if (w->begun & (1u << GP_RUNTIME_RUBY) && w->ruby.end - sp - bytes < GP_RUBY_STACK_MAX)
		return w->ruby.end;
	if (!(w->registers.valid & (1u << GP_REG_RBP)) || fp - sp < bytes || (fp & 7))
		return 0;
	if (bpf_probe_read_user(&outer, sizeof(outer), (void *)fp) != 0)
		return 0;
	return outer - fp - 1 < (1u << 20) ? fp : 0;
}

/* Untouched pages that a copy may pass over: the room of a pattern of PCRE on the machine's stack has 8 (bpf/walk/pattern.h). */
#define GP_HOLE_PAGES 9

/* Where a stack goes on whose copy ended at `end`, a page that was never touched. 0: nowhere near. */
static __always_inline __u64 beyond_hole(__u64 end)
{
	__u64 word;

	if (end & 4095)
		return 0;
	for (int i = 1; i <= GP_HOLE_PAGES; i++) {
		end += 4096;
		if (bpf_probe_read_user(&word, sizeof(word), (void *)end) == 0)
			return end;
	}
	return 0;
}

/* Ships the user stack from the miss up, for the agent to walk once it has loaded what was missing. */
static __always_inline int ship_copy(struct gp_walk *w, __u32 cpu, struct gp_counters *count)
{
	struct gp_stack_copy_record *record = GP_FIND(copies, cpu);
	__u64 sp = w->registers.value[GP_REG_RSP] & ~7ull;

	if (!record)
		return 0;
	record->copy.header.type = GP_RECORD_STACK_COPY;
	record->copy.cpu = cpu;
	record->copy.sequence = w->record.sample.sequence;
	record->copy.registers = w->registers;
	record->copy.thread_pointer = w->thread_pointer;
	record->copy.reserved = 0;

	int bytes = gp_ship_memory(cpu, sp, GP_STACK_COPY_SIZE);

	if (bytes <= 0)
		return 0;
	count->copy_window += (__u32)bytes;

	__u64 other = other_stack(w, sp, (__u32)bytes);

	if (!other && bytes < GP_STACK_COPY_SIZE && w->runtime[GP_RUNTIME_PCRE])
		other = beyond_hole(sp + (__u32)bytes);
	if (other) {
		bytes = gp_ship_memory(cpu, other, GP_OTHER_STACK_SIZE);
		count->copy_window += bytes > 0 ? (__u32)bytes : 0;
	}
	return 1;
}
