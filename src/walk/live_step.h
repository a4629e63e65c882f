/* The walker's C, compiled once more for the memory of a process that runs (live_step.c): interpreters are read, too, and
 * names of their code handed out. Owner thread: the caller's. */
#pragma once

#include "bpf/walk/state.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GP_LIVE_SYMBOLS 8192u /* fingerprints of names handed out; a power of two */

/* One turn of the walk. 1: it is over. */
int gp_live_turn(struct gp_walk* walk);

/* Its surroundings, as in bpf/walk/platform.h and symbol.h: live_walker.cc. */
long gp_live_read_user(struct gp_walk* w, void* to, __u32 size, __u64 address);
const struct gp_mapping* gp_live_mapping(__u32 index);
const struct gp_file* gp_live_file(__u32 index);
const __u64* gp_live_page_word(__u32 index);
const __u32* gp_live_row_word(__u32 segment, __u32 index);
const struct gp_runtime_entry* gp_live_runtime(__u32 index);
const __u64* gp_live_mappings_word(struct gp_walk* w);
struct gp_symbol_record* gp_live_record(void);
__u64* gp_live_seen(__u32 index);
int gp_live_ship(const void* record, __u64 size);

#ifdef __cplusplus
}
#endif
