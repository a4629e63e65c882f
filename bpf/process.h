/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Whose entry of the process table a sample is walked by. */
#pragma once

#include <bpf/bpf_core_read.h>

#include "bpf/kernel_types.h"
#include "bpf/walk/kernel.h"

/* Nanoseconds of a tick of field 22 of /proc/PID/stat: USER_HZ is 100 on every Linux we run on. */
#define GP_TICK_NS 10000000ull

/* Finds the process' entry; leaves its place in the state. */
static __always_inline struct gp_process *find_process(struct gp_walk *w)
{
	w->bucket = w->table_pid & gp_bucket_mask;

	struct gp_process_bucket *bucket = GP_FIND(processes, w->bucket);

	if (!bucket)
		return 0;
	for (__u32 i = 0; i < GP_BUCKET_ENTRIES; i++) {
		if (bucket->entries[i].pid == w->table_pid) {
			w->entry = i;
			return &bucket->entries[i];
		}
	}
	return 0;
}

/* The entry is of a process that started then, not of one before it that had the same pid, and of what it runs now. */
static __always_inline int has_program(struct gp_process *process, __u64 start_ticks)
{
	return process && start_ticks - process->start_ticks + GP_START_SLACK_TICKS <= 2 * GP_START_SLACK_TICKS &&
	       GP_KNOWS_EXEC(process);
}

/*
 * The entry of the process that the current one was forked from and still is a copy of: until the agent has heard of the
 * fork. An address space is copied with the addresses that exec chose at random, so a parent that is none (the real one
 * is gone) or has run another program since is told by them.
 *
 * Pointers are read by BPF_CORE_READ: of each that is loaded from a task the verifier (6.18) looks up the names of some types
 * in all of vmlinux's, which took more of its time than all else (btf_nested_type_is_trusted).
 */
static __always_inline struct gp_process *find_forked_from(struct gp_walk *w, struct task_struct *task)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent, group_leader);
	struct mm_struct *own = BPF_CORE_READ(task, mm), *parents = BPF_CORE_READ(parent, mm);

	if (!own || !parents || BPF_CORE_READ(own, exe_file) != BPF_CORE_READ(parents, exe_file) ||
	    BPF_CORE_READ(own, start_stack) != BPF_CORE_READ(parents, start_stack) ||
	    BPF_CORE_READ(own, start_brk) != BPF_CORE_READ(parents, start_brk))
		return 0;
	w->table_pid = BPF_CORE_READ(parent, tgid);

	struct gp_process *process = find_process(w);

	return has_program(process, BPF_CORE_READ(parent, start_boottime) / GP_TICK_NS) ? process : 0;
}
