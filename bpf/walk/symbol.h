/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Names of interpreted code: shipped at first sight, ahead of the sample that has them, because a process may be gone
 * when names are wanted. A runtime's use: gp_symbol_begin(), texts and table each where the ones before end,
 * gp_symbol_end(). Surroundings that take symbols define before:
 *   gp_symbol_record_of(w)      room for one record, or 0
 *   GP_SYMBOLS_SEEN             fingerprints of what was shipped that are kept, in pairs; a power of two
 *   gp_symbol_seen_slot(index)  pointer to one of them, or 0
 *   gp_symbol_output(w, record, size)  0 when it was shipped
 */
#pragma once

#include "bpf/walk/interpreter.h"

#ifndef gp_symbol_output
#define GP_SYMBOLS_SEEN 2u
#define gp_symbol_record_of(w) ((struct gp_symbol_record *)0)
#define gp_symbol_seen_slot(index) ((void)(index), (__u64 *)0)
#define gp_symbol_output(w, record, size) ((void)(size), -1)
#endif

/* min(value, limit), in a form the compiler cannot undo: the verifier has to see it. */
#ifdef __bpf__
#define GP_CLAMP(value, limit)                                                 \
	({                                                                     \
		__u64 gp_clamp_value = (__u64)(value);                         \
		__asm__ volatile("if %0 <= %1 goto +1\n\t%0 = %1"              \
				 : "+r"(gp_clamp_value) : "i"(limit));         \
		gp_clamp_value;                                                \
	})
#else
#define GP_CLAMP(value, limit) ((__u64)(value) < (__u64)(limit) ? (__u64)(value) : (__u64)(limit))
#endif

/* Never 0, which marks a free slot. */
GP_INLINE __u64 gp_symbol_fingerprint(struct gp_walk *w, __u32 runtime, __u64 object, __u32 cookie)
{
	__u64 hash = (w->start_ticks ^ ((__u64)w->pid << 32) ^ ((__u64)runtime << 28)) * 0x9e3779b97f4a7c15ull;

	hash = (hash ^ object) * 0x9e3779b97f4a7c15ull;
	hash = (hash ^ (hash >> 32) ^ cookie) * 0x9e3779b97f4a7c15ull;
	return hash | 1;
}

GP_INLINE __u32 gp_symbol_slot(__u64 fingerprint)
{
	return (__u32)(fingerprint >> 40) & (GP_SYMBOLS_SEEN - 1);
}

GP_INLINE void gp_symbol_clear(struct gp_symbol_text *text)
{
	text->bytes = 0;
	text->width = 0;
	text->ascii = 0;
	text->truncated = 0;
}

/* It was shipped before: asked ahead of a part that ships, which costs more than the question. */
GP_INLINE int gp_symbol_is_known(struct gp_walk *w, __u32 runtime, __u64 object, __u32 cookie)
{
	__u64 fingerprint = gp_symbol_fingerprint(w, runtime, object, cookie);
	__u32 slot = gp_symbol_slot(fingerprint);
	__u64 *newer = gp_symbol_seen_slot(slot);
	__u64 *older = gp_symbol_seen_slot(slot ^ 1);

	return !newer || !older || *newer == fingerprint || *older == fingerprint;
}

/* A record to be filled for this object, with its head set and nothing in it; 0 when it was shipped before. */
GP_INLINE struct gp_symbol_record *gp_symbol_begin(struct gp_walk *w, __u32 runtime, __u64 object, __u32 cookie)
{
	if (gp_symbol_is_known(w, runtime, object, cookie))
		return 0;

	struct gp_symbol_record *record = gp_symbol_record_of(w);

	if (!record)
		return 0;
	record->symbol.header.type = GP_RECORD_SYMBOL;
	record->symbol.start_ticks = w->start_ticks;
	record->symbol.pid = w->pid;
	record->symbol.runtime = runtime;
	record->symbol.object = object;
	record->symbol.cookie = cookie;
	record->symbol.first_line = 0;
	gp_symbol_clear(&record->symbol.name);
	gp_symbol_clear(&record->symbol.file);
	gp_symbol_clear(&record->symbol.scope);
	record->symbol.table_address = 0;
	record->symbol.table_bytes = 0;
	record->symbol.table_stored = 0;
	record->symbol.table_format = 0;
	record->symbol.reserved = 0;
	return record;
}

/*
 * Copies `length` characters of `width` bytes (or GP_TEXT_UTF8: bytes) at `address` to the record, which holds `used`
 * bytes so far (a constant limit times GP_SYMBOL_NAME_MAX at most). Returns the bytes used then.
 */
GP_INLINE __u64 gp_symbol_read_text(struct gp_walk *w, struct gp_symbol_record *record, struct gp_symbol_text *text,
				    __u64 used, __u64 address, __u64 length, __u32 width)
{
	__u64 size = GP_CLAMP(length, GP_SYMBOL_NAME_MAX) * (width == GP_TEXT_UTF8 ? 1 : width);
	__u64 bytes = GP_CLAMP(size, GP_SYMBOL_NAME_MAX);

	text->truncated = length > GP_SYMBOL_NAME_MAX || size > GP_SYMBOL_NAME_MAX;
	used = GP_CLAMP(used, 2 * GP_SYMBOL_NAME_MAX);
	if (gp_read_user(w, record->bytes + used, (__u32)bytes, address))
		return used;
	text->bytes = (__u32)bytes;
	text->width = (__u8)width;
	return used + bytes;
}

/* Copies the beginning of a table of `size` bytes at `address`, as above. */
GP_INLINE __u64 gp_symbol_read_table(struct gp_walk *w, struct gp_symbol_record *record, __u64 used, __u64 address,
				     __u32 size)
{
	__u64 stored = GP_CLAMP(size, GP_SYMBOL_TABLE_MAX);

	record->symbol.table_address = address;
	record->symbol.table_bytes = size;
	used = GP_CLAMP(used, 3 * GP_SYMBOL_NAME_MAX);
	if (gp_read_user(w, record->bytes + used, (__u32)stored, address))
		return used;
	record->symbol.table_stored = (__u32)stored;
	return used + stored;
}

/*
 * For tables of several parts: appends `size` bytes at `address`, at most `limit`, behind `used`, at most `before`; both
 * are constants. What was stored is in `stored`.
 */
#define GP_SYMBOL_APPEND(w, record, used, before, address, size, limit, stored)                        \
	do {                                                                                        \
		__u64 gp_at = GP_CLAMP(used, before);                                               \
		__u64 gp_bytes = GP_CLAMP(size, limit);                                             \
		(stored) = 0;                                                                       \
		if (gp_read_user(w, (record)->bytes + gp_at, (__u32)gp_bytes, address) == 0)        \
			(stored) = (__u32)gp_bytes;                                                 \
		(used) = gp_at + (stored);                                                          \
	} while (0)

/*
 * Ships the record with its `used` bytes. It is remembered only when all was read (`complete`) and shipped, so that a
 * page that was out is tried again. Two CPUs that meet an object at once may both ship it.
 */
GP_INLINE void gp_symbol_end(struct gp_walk *w, struct gp_symbol_record *record, __u64 used, int complete)
{
	struct gp_symbol *symbol = &record->symbol;
	__u64 fingerprint = gp_symbol_fingerprint(w, symbol->runtime, symbol->object, symbol->cookie);
	__u32 slot = gp_symbol_slot(fingerprint);
	__u64 size = GP_CLAMP(sizeof(*symbol) + used, sizeof(*record));

	symbol->header.size = (__u32)size;
	if (gp_symbol_output(w, record, size) != 0 || !complete)
		return;

	__u64 *newer = gp_symbol_seen_slot(slot);
	__u64 *older = gp_symbol_seen_slot(slot ^ 1);

	if (!newer || !older)
		return;
	*older = *newer;
	*newer = fingerprint;
}
