/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What walk/platform.h asks for, in the kernel: user memory by bpf_probe_read_user, tables as BPF maps. */
#pragma once

#include "bpf/maps.h"

#define gp_read_user(w, to, size, address) bpf_probe_read_user(to, size, (const void *)(address))

/* Fixed before load: powers of two less one. */
const volatile __u32 gp_bucket_mask = 0;
const volatile __u32 gp_cache_mask = 0;
/* Bit n: the program walks runtime n. A constant to the verifier, which passes over what it rules out. */
const volatile __u32 gp_walked_runtimes = 0;

#define gp_is_walked(runtime) (gp_walked_runtimes & (1u << (runtime)))

#define GP_FIND(map, index)                           \
	({                                            \
		__u32 gp_key = (index);               \
		bpf_map_lookup_elem(&(map), &gp_key); \
	})

#define gp_find_walk(index) ((struct gp_walk *)GP_FIND(walks, index))
#define gp_find_mapping_entry(index) ((const struct gp_mapping *)GP_FIND(mappings, index))
#define gp_find_file(index) ((const struct gp_file *)GP_FIND(files, index))
#define gp_find_page_word(index) ((const __u64 *)GP_FIND(pages, index))
#define gp_find_runtime(index) ((const struct gp_runtime_entry *)GP_FIND(runtimes, index))

GP_INLINE struct gp_cache_entry *gp_cache_slot(__u32 pid, __u64 pc)
{
	__u32 hash = (__u32)(pc ^ (pc >> 16)) * 0x9e3779b1u ^ pid * 0x85ebca6bu;
	__u32 key = bpf_get_smp_processor_id() * (gp_cache_mask + 1) + ((hash >> 8) & gp_cache_mask);

	return bpf_map_lookup_elem(&pc_cache, &key);
}

GP_INLINE __u64 gp_current_mappings(struct gp_walk *w)
{
	struct gp_process_bucket *bucket = GP_FIND(processes, w->bucket);

	if (!bucket)
		return 0;
	struct gp_process *process = &bucket->entries[GP_BOUND(w->entry, GP_BUCKET_ENTRIES - 1)];

	return process->pid == w->table_pid ? GP_READ_ONCE(process->mappings) : 0;
}

GP_INLINE void *gp_open_segment(__u32 segment)
{
	return GP_FIND(segments, segment);
}

GP_INLINE const __u32 *gp_segment_word(void *segment, __u32 index)
{
	__u32 pair = index >> 1;
	const __u32 *words = bpf_map_lookup_elem(segment, &pair);

	return words ? &words[index & 1] : 0;
}
