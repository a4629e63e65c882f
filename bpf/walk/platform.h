/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the walker needs from its surroundings, so that the same C runs in the kernel (BPF) and natively in the agent:
 * inlining, reading of user memory, the tables. BPF: programs include kernel.h first, which defines these. Natively:
 * src/walk defines the gp_env_* functions over stack copies, recordings or fuzz bytes.
 *
 * Contract of gp_read_user: 0 when all `size` bytes at user address `address` were read, else negative and the
 * destination's content is unspecified.
 * Contract of the gp_find_* functions: pointer into a table, or NULL when the index is outside it.
 */
#pragma once

#include <linux/types.h>

#include "bpf/abi/sample.h"
#include "bpf/abi/tables.h"
#include "bpf/abi/unwind.h"

#ifdef __bpf__

#define GP_INLINE static __always_inline
/*
 * Makes `int name(struct gp_walk *w)` a part of the step that the verifier checks once by itself: a global function
 * name_part(). It takes the number of the state and not a pointer, which verifiers before 5.13 refuse.
 */
#define GP_PART_IF(condition, name)                          \
	__noinline int name##_part(__u32 scratch)            \
	{                                                    \
		struct gp_walk *w = gp_find_walk(scratch);   \
                                                             \
		return w && (condition) ? name(w) : 1;       \
	}
#define GP_PART(name) GP_PART_IF(1, name)
/* A part of a runtime's walker: verified, and loaded, only where that is wanted (verifiers before 6.8 follow all parts). */
#define GP_PART_OF(runtime, name) GP_PART_IF(gp_is_walked(runtime), name)
#define GP_CALL(name, w) name##_part((w)->scratch)
/*
 * `int name(struct gp_walk *w)` as one turn of a loop of at most `turns`, until it says other than 0. The verifier follows
 * one turn, not every way through all of them; what goes from turn to turn lies in the walk.
 */
struct gp_turn {
	struct gp_walk *walk;
};
#define GP_TURN(name)                                                     \
	static long name##_turn(__u32 turn, struct gp_turn *at)           \
	{                                                                 \
		return name(at->walk) != 0;                               \
	}
#define GP_LOOP(name, w, turns)                                           \
	do {                                                              \
		struct gp_turn gp_turn_at = { .walk = (w) };              \
		bpf_loop(turns, name##_turn, &gp_turn_at, 0);             \
	} while (0)
#define GP_READ_ONCE(x) (*(volatile typeof(x) *)&(x))
/* Keeps the compiler from reordering around a point; BPF programs run on the CPU that wrote their state. */
#define GP_BARRIER() __asm__ volatile("" ::: "memory")
/*
 * Bounds an index in a way the verifier sees: the compiler may otherwise prove the mask useless and drop it, which
 * leaves the verifier with an unbounded register.
 */
#define GP_BOUND(index, mask)                                  \
	({                                                     \
		__u64 gp_bound_value = (__u64)(index);         \
		__asm__ volatile("%0 &= %1" : "+r"(gp_bound_value) : "i"(mask)); \
		gp_bound_value;                                \
	})
/* A value the compiler must not reason about: it would turn arithmetic that stands for a branch back into one. */
#define GP_OPAQUE(x)                                       \
	({                                                 \
		__u32 gp_opaque_value = (x);               \
		__asm__ volatile("" : "+r"(gp_opaque_value)); \
		gp_opaque_value;                           \
	})

#else

#define GP_INLINE static inline
#define GP_PART(name)
#define GP_PART_OF(runtime, name)
#define GP_CALL(name, w) name(w)
#define gp_is_walked(runtime) 1
#define GP_TURN(name)
#define GP_LOOP(name, w, turns)                                           \
	do {                                                              \
		for (__u32 gp_turn = 0; gp_turn < (turns); gp_turn++)     \
			if (name(w))                                      \
				break;                                    \
	} while (0)
#define GP_READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define GP_BARRIER() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define GP_BOUND(index, mask) ((__u64)(index) & (mask))
#define GP_OPAQUE(x) (x)

#ifdef __cplusplus
extern "C" {
#endif
struct gp_walk;
long gp_env_read_user(struct gp_walk *w, void *to, __u32 size, __u64 address);
const struct gp_mapping *gp_env_mapping(__u32 index);
const struct gp_file *gp_env_file(__u32 index);
const __u64 *gp_env_page_word(__u32 index);
const __u32 *gp_env_row_word(__u32 segment, __u32 index);
const struct gp_runtime_entry *gp_env_runtime(__u32 index);
const __u64 *gp_env_mappings_word(struct gp_walk *w);
#ifdef __cplusplus
}
#endif

#define gp_read_user(w, to, size, address) gp_env_read_user(w, to, size, address)
#define gp_find_mapping_entry(index) gp_env_mapping(index)
#define gp_find_file(index) gp_env_file(index)
#define gp_find_page_word(index) gp_env_page_word(index)
#define gp_find_runtime(index) gp_env_runtime(index)

#endif
