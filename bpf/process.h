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
 */
static __always_inline struct gp_process *find_forked_from(struct gp_walk *w, struct task_struct *task)
{
	struct task_struct *parent = task->real_parent;

	if (!parent)
		return 0;
	parent = parent->group_leader;
	if (!parent || !task->mm || !parent->mm || task->mm->exe_file != parent->mm->exe_file ||
	    task->mm->start_stack != parent->mm->start_stack || task->mm->start_brk != parent->mm->start_brk)
		return 0;
	w->table_pid = parent->tgid;

	struct gp_process *process = find_process(w);

	return has_program(process, parent->start_boottime / GP_TICK_NS) ? process : 0;
}
