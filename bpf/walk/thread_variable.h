/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Finds a variable that each thread has of its own (bpf/abi/thread_variable.h). */
#pragma once

#include "bpf/abi/thread_variable.h"
#include "bpf/walk/stack.h"

/*
 * Where the block of a module {module, offset} lies in this thread; 0: it has none (yet). The thread pointer's second
 * word is the dtv in both libraries. Of an entry there glibc has two words, the first is the block, or ~0 as long as
 * nobody has asked for it (sysdeps/x86_64/nptl/tls.h: tcbhead_t; sysdeps/generic/dl-dtv.h: dtv_t, TLS_DTV_UNALLOCATED);
 * musl has one (src/internal/pthread_impl.h: struct pthread; src/thread/__tls_get_addr.c).
 */
GP_INLINE __u64 gp_thread_block(struct gp_walk *w, const struct gp_thread_variable *variable, const __u64 *of)
{
	__u64 dtv = 0, block = 0;

	if (!of[0] || gp_read_user(w, &dtv, 8, w->thread_pointer + 8) || !dtv ||
	    gp_read_user(w, &block, 8, dtv + of[0] * (variable->is_musl ? 8 : 16)) || block == ~0ull)
		return 0;
	return block ? block + of[1] : 0;
}

/*
 * Its address in the thread at hand, 0: it has none (yet). -1: what the dynamic linker filled cannot be read. The
 * argument of a descriptor is negative, the distance, where the block lies at a fixed one, which is what both libraries
 * do for files loaded at start; else it points to what __tls_get_addr() takes (glibc: sysdeps/x86_64/dl-tlsdesc.S,
 * dl-tlsdesc.h; musl: src/ldso/x86_64/tlsdesc.s, ldso/dynlink.c: do_relocs).
 */
GP_INLINE int gp_find_thread_variable(struct gp_walk *w, const struct gp_thread_variable *variable, __u64 *address)
{
	__u64 slot[2] = {0}, at;

	*address = 0;
	if (variable->model == GP_THREAD_OFFSET) {
		*address = w->thread_pointer + variable->offset;
		return 0;
	}
	if (variable->model == GP_THREAD_SLOT) {
		if (gp_read_user(w, slot, 8, variable->slot))
			return -1;
		if (slot[0])
			*address = w->thread_pointer + slot[0] + variable->offset;
		return 0;
	}
	if (gp_read_user(w, slot, sizeof(slot), variable->slot))
		return -1;
	if (variable->model == GP_THREAD_DESCRIPTOR) {
		if ((__s64)slot[1] < 0) {
			*address = w->thread_pointer + slot[1] + variable->offset;
			return 0;
		}
		if (!slot[1] || gp_read_user(w, slot, sizeof(slot), slot[1]))
			return 0;
	}
	at = gp_thread_block(w, variable, slot);
	if (at)
		*address = at + variable->offset;
	return 0;
}
