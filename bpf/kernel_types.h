/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The few kernel types the programs touch, relocated by CO-RE to the running kernel's layout. */
#pragma once

#include <linux/types.h>

#define GP_RELOCATED __attribute__((preserve_access_index))

struct file;

struct mm_struct {
	struct file *exe_file;
	unsigned long start_brk;
	unsigned long start_stack;
} GP_RELOCATED;

struct thread_struct {
	unsigned long fsbase;
} GP_RELOCATED;

struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	struct mm_struct *mm;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	int on_cpu;
	unsigned long nvcsw;
	unsigned long nivcsw;
	char comm[16];
	__u64 start_boottime; /* Linux 5.5 */
	unsigned int in_execve : 1;
	struct thread_struct thread;
} GP_RELOCATED;

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */
