// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Where the threads of one process are: an iterator over tasks that writes, of each thread off CPU, the registers it left
 * user mode with and its kernel stack. Nothing is stopped for it. Runs when its file is read.
 */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/abi/threads.h"
#include "bpf/kernel_types.h"
#include "bpf/registers.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile __u32 gp_threads_of = 0; /* set before load: a pid */

#define GP_TICK_NS 10000000ull /* as in cpu.bpf.c */

struct seq_file;
struct bpf_iter_meta {
	struct seq_file *seq;
} GP_RELOCATED;
struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} GP_RELOCATED;

/* One reader at a time: the agent. */
static struct gp_thread_state gp_thread;
static struct pt_regs gp_thread_regs;

static __always_inline void take_user_part(struct gp_thread_state *thread, struct task_struct *task)
{
	struct pt_regs *regs = &gp_thread_regs;

	if (task->flags & PF_KTHREAD || !task->mm ||
	    bpf_probe_read_kernel(regs, sizeof(*regs), (void *)bpf_task_pt_regs(task)) != 0 || regs->rip == 0) {
		thread->flags |= GP_THREAD_NO_USER;
		return;
	}
	if (regs->cs == GP_USER32_CS)
		thread->flags |= GP_THREAD_COMPAT32;
	gp_take_registers(&thread->registers, regs, 1);
	thread->thread_pointer = task->thread.fsbase;
}

/* An int up to 6.18 at least, narrower in 7.2: read as wide as the running kernel has it. */
static __always_inline int is_on_cpu(struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD(task, on_cpu) != 0;
}

SEC("iter/task")
int gp_thread_states(struct bpf_iter__task *ctx)
{
	struct gp_thread_state *thread = &gp_thread;
	struct task_struct *task = ctx->task;

	if (!task || (__u32)task->tgid != gp_threads_of)
		return 0;
	thread->tid = task->pid;
	thread->flags = 0;
	thread->registers.valid = 0;
	thread->kernel_frames = 0;
	thread->switches = task->nvcsw + task->nivcsw;
	thread->start_ticks = task->group_leader->start_boottime / GP_TICK_NS;
	bpf_probe_read_kernel_str(thread->comm, sizeof(thread->comm), task->comm);
	if (is_on_cpu(task)) {
		thread->flags = GP_THREAD_ON_CPU;
	} else {
		take_user_part(thread, task);

		long bytes = bpf_get_task_stack(task, thread->kernel, sizeof(thread->kernel) - 8, 0);

		thread->kernel_frames = bytes > 0 ? (__u32)bytes / 8 : 0;
		if (is_on_cpu(task) || thread->switches != task->nvcsw + task->nivcsw)
			thread->flags |= GP_THREAD_ON_CPU;
	}
	bpf_seq_write(ctx->meta->seq, thread, sizeof(*thread));
	return 0;
}
