// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The CPU sampler: called at every tick of each CPU (tick.bpf.c), walks the interrupted stack and writes one record into
 * the ring. Runs with interrupts off; one walk per CPU at a time.
 */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <linux/ptrace.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "bpf/copy.h"
#include "bpf/pick.h"
#include "bpf/process.h"
#include "bpf/registers.h"
#include "bpf/walk/kernel.h"
#include "bpf/walk/step.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before load: pending bytes of the ring that wake the agent. */
const volatile __u32 gp_ring_wake = 0;

/*
 * A process runs a new program: what the table says of it is of the old one. Until the agent has heard of it (and has
 * stored what it knows, which may be of the old program still), samples are deferred instead of walked by the wrong
 * mappings. An exec names the task after its address space was replaced and before anything is mapped into the new one
 * (fs/exec.c: begin_new_exec); the event that the agent hears comes right behind.
 */
SEC("tp_btf/task_rename")
int gp_on_exec(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];

	if (!BPF_CORE_READ_BITFIELD(task, in_execve))
		return 0;

	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct gp_process_bucket *bucket = GP_FIND(processes, pid & gp_bucket_mask);

	if (!bucket)
		return 0;
	for (int i = 0; i < GP_BUCKET_ENTRIES; i++) {
		if (bucket->entries[i].pid == pid)
			bucket->entries[i].exec_ns = bpf_ktime_get_ns();
	}
	return 0;
}

/*
 * While a system call ends by delivering a signal, rip is the handler's first instruction. The instruction leaves its rip
 * in rcx, too, but for processors with FRED: there the code says whether it has just run.
 */
static __always_inline void check_is_return(struct gp_walk *w, const struct pt_regs *regs)
{
	const __u16 syscall = 0x050f; /* 0f 05 */
	__u16 before;

	if (regs->rcx != regs->rip &&
	    bpf_probe_read_user(&before, sizeof(before), (void *)(regs->rip - sizeof(before))) == 0 && before != syscall)
		w->registers.is_return = 0;
}

/* The user part of the interrupted state; false when there is none. */
static __always_inline int user_registers(struct gp_walk *w, struct task_struct *task, int in_kernel)
{
	/* In scratch memory: what calls each other has 512 bytes of stack in all (MAX_BPF_STACK). */
	struct pt_regs *regs = (struct pt_regs *)w->object;

	if (task->flags & PF_KTHREAD || !BPF_CORE_READ(task, mm)) {
		w->end = GP_END_KERNEL_THREAD;
		return 0;
	}
	/* From user mode, too, interrupts leave the registers at the top of the task's kernel stack. */
	if (bpf_probe_read_kernel(regs, sizeof(*regs), (void *)bpf_task_pt_regs(task)) != 0 || regs->rip == 0) {
		w->end = GP_END_KERNEL_THREAD; /* io workers have an address space but no user code */
		return 0;
	}
	if (regs->cs == GP_USER32_CS) {
		w->end = GP_END_COMPAT32;
		return 0;
	}
	gp_take_registers(&w->registers, regs, in_kernel);
	if (w->registers.is_return)
		check_is_return(w, regs);
	w->thread_pointer = task->thread.fsbase;
	w->record.sample.thread_pointer = w->thread_pointer;
	return 1;
}

struct loop_context {
	struct gp_walk *walk;
};

static long loop_step(__u32 turn, struct loop_context *context)
{
	return gp_step(context->walk) != 0;
}

/* Walks what the state of this CPU says. A function that the verifier follows once, not wherever it is called. */
__noinline int gp_walk_stack(__u32 cpu)
{
	struct gp_walk *w = GP_FIND(walks, cpu);
	struct loop_context context = { .walk = w };

	if (!w)
		return 0;
	bpf_loop(GP_MAX_STEPS, loop_step, &context, 0);
	if (w->end == GP_END_NONE)
		w->end = GP_END_DEPTH;
	return 0;
}

static __always_inline int is_miss(__u32 end)
{
	return end == GP_END_NO_PROCESS || end == GP_END_NO_MAPPING || end == GP_END_PAGE_MISSING;
}

/* Appends the kernel's part of the stack behind the user frames; returns its count. */
static __always_inline __u32 kernel_frames(struct bpf_perf_event_data *ctx, struct gp_walk *w)
{
	__u64 at = GP_BOUND(w->frames, 2 * GP_MAX_FRAMES - 1);

	if (at > GP_MAX_FRAMES)
		return 0;

	long bytes = bpf_get_stack(ctx, &w->record.frames[at], GP_MAX_KERNEL_FRAMES * 8, 0);

	return bytes > 0 ? (__u32)bytes / 8 : 0;
}

static __always_inline void begin(struct gp_walk *w, struct task_struct *task, __u32 cpu, struct gp_counters *count)
{
	struct gp_sample *sample = &w->record.sample;
	__u64 pid_tgid = bpf_get_current_pid_tgid();

	w->frames = 0;
	w->end = GP_END_NONE;
	w->guessed = 0;
	w->unwinder = GP_RUNTIME_NONE;
	w->begun = 0;
	w->done = 0;
	w->pass_eval = 0;
	w->retries = 0;
	w->drain = 0;
	__builtin_memset(w->runtime, 0, sizeof(w->runtime));
	w->mappings = 0;
	w->mapping.start = w->mapping.end = 0;
	w->window_base = 0;
	w->window_bytes = 0;
	w->scratch = cpu;
	w->start_ticks = BPF_CORE_READ(task, group_leader, start_boottime) / GP_TICK_NS;

	sample->header.type = GP_RECORD_SAMPLE;
	sample->start_ticks = w->start_ticks;
	sample->pid = pid_tgid >> 32;
	sample->tid = (__u32)pid_tgid;
	sample->cpu = cpu;
	sample->sequence = (__u32)count->taken;
	sample->flags = 0;
	sample->miss = 0;
	sample->thread_pointer = 0;
	sample->pending_frames = 0;
	bpf_get_current_comm(sample->comm, sizeof(sample->comm));
}

/*
 * After a miss: what the interpreters know is read now, the native frames later. Where native frames cannot be had at all
 * (code that something compiled at run time), the interpreted ones come behind those that were.
 */
static __always_inline void handle_end(struct gp_walk *w, __u32 cpu, struct gp_counters *count)
{
	struct gp_sample *sample = &w->record.sample;
	__u32 native = w->frames, end = w->end;

	gp_begin_drain(w, is_miss(end) ? GP_DRAIN_FOR_LATER : GP_DRAIN_BEHIND);
	gp_walk_stack(cpu);
	w->end = end;
	if (!is_miss(end)) {
		if (w->begun & (1u << GP_RUNTIME_PHP) && w->php.in_fiber)
			w->end = GP_END_ROOT;
		return;
	}
	sample->miss = w->registers.value[GP_REG_RIP];
	sample->pending_frames = w->frames - native;
	if (copy_allowed(count, sample->time_ns) && ship_copy(w, cpu, count)) {
		sample->flags |= GP_SAMPLE_HAS_COPY;
		count->copies++;
	} else {
		count->copies_refused++;
	}
}

/* Decides who takes this tick, into the sample under construction; 0: nobody. */
__noinline int gp_pick(__u32 cpu, __u32 wanted)
{
	struct gp_session_table *table = GP_FIND(sessions, 0);
	struct gp_session_cpu *own = GP_FIND(session_cpus, cpu);
	struct gp_walk *w = GP_FIND(walks, cpu);

	if (!table || !own || !w)
		return 0;

	struct gp_sample *sample = &w->record.sample;

	sample->time_ns = bpf_ktime_get_ns();
	sample->tick_ns = table->tick_ns;
	gp_pick_sessions(table, own, wanted, sample->time_ns, bpf_get_prandom_u32(), &sample->sessions);
	return sample->sessions != 0;
}

__noinline int gp_lose(__u32 cpu, __u32 sessions)
{
	struct gp_session_cpu *own = GP_FIND(session_cpus, cpu);

	if (own)
		gp_count_ring_full(own, sessions);
	return 0;
}

/* Sessions of a process that the agent has not told us of. */
static __always_inline __u32 active_sessions(void)
{
	struct gp_session_table *table = GP_FIND(sessions, 0);

	return table ? (__u32)table->active : 0;
}

/* Called from the tick of a CPU's perf event, in its place. */
SEC("perf_event")
int gp_sample_cpu(struct bpf_perf_event_data *ctx)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct gp_counters *count = GP_FIND(counters, cpu);
	struct gp_walk *w = GP_FIND(walks, cpu);
	struct task_struct *task = bpf_get_current_task_btf();

	if (!count || !w)
		return 0;
	if (!task || task->pid == 0) /* hardware counters know no idle task */
		return 0;
	count->runs++;
	w->pid = bpf_get_current_pid_tgid() >> 32;
	w->table_pid = w->pid;

	struct gp_process *process = find_process(w);

	if (!gp_pick(cpu, process ? process->sessions : active_sessions())) {
		count->unwanted++;
		return 0;
	}
	count->taken++;
	begin(w, task, cpu, count);

	int in_kernel = (__s64)ctx->regs.rip < 0;

	if (user_registers(w, task, in_kernel)) {
		if (!has_program(process, w->start_ticks))
			process = find_forked_from(w, task);
		if (process) {
			w->mappings = GP_READ_ONCE(process->mappings);
			__builtin_memcpy(w->runtime, process->runtime, sizeof(w->runtime));
			gp_walk_stack(cpu);
		} else {
			w->end = GP_END_NO_PROCESS;
		}
		if (w->end != GP_END_ROOT && BPF_CORE_READ_BITFIELD(task, in_execve)) {
			w->end = GP_END_IN_EXEC;
			w->frames = 0;
		} else if (is_miss(w->end) || w->end == GP_END_NO_RULE) {
			handle_end(w, cpu, count);
		}
	}

	struct gp_sample *sample = &w->record.sample;
	__u32 kernel = 0;

	if (in_kernel) {
		sample->flags |= GP_SAMPLE_IN_KERNEL;
		kernel = kernel_frames(ctx, w);
	}
	if (w->guessed)
		sample->flags |= GP_SAMPLE_GUESSED;
	sample->end = (__u16)w->end;
	sample->user_frames = (__u16)w->frames;
	sample->kernel_frames = (__u16)kernel;

	__u64 size = sizeof(*sample) + w->frames * sizeof(struct gp_frame) + kernel * sizeof(__u64);

	sample->header.size = (__u32)size;
	if (size > sizeof(w->record)) /* never: for the verifier */
		return 0;

	__u64 pending = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	__u64 wake = pending > gp_ring_wake || is_miss(w->end) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;

	if (bpf_ringbuf_output(&ring, &w->record, size, wake) != 0) {
		count->ring_full++;
		gp_lose(cpu, sample->sessions);
	}
	return 0;
}
