// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The part of a sample that is not ours: the kernel's own capture of its stack. Does that and nothing else at each tick
 * that interrupts the kernel, so that the program's run time, as the kernel keeps it, is what it costs.
 */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define MAX_FRAMES 128

struct stack {
	__u64 kernel_runs;
	__u64 frames[MAX_FRAMES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stack);
} bench_stacks SEC(".maps");

SEC("perf_event")
int bench_kernel(struct bpf_perf_event_data *ctx)
{
	__u32 zero = 0;
	struct stack *stack = bpf_map_lookup_elem(&bench_stacks, &zero);

	if (!stack || (__s64)ctx->regs.rip >= 0 || (__u32)bpf_get_current_pid_tgid() == 0)
		return 0;
	stack->kernel_runs++;
	bpf_get_stack(ctx, stack->frames, sizeof(stack->frames), 0);
	return 0;
}
