// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the perf event of each CPU calls, and all maps. The program that samples and walks (cpu.bpf.c) is in a slot here:
 * first one with the walkers of what runs, then one with all.
 */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>

#include <bpf/bpf_helpers.h>

#include "bpf/maps.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} sampler SEC(".maps");

SEC("perf_event")
int gp_tick(struct bpf_perf_event_data *ctx)
{
	bpf_tail_call(ctx, &sampler, 0);
	return 0;
}
