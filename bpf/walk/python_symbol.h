/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Names of Python code objects: shipped at first sight, ahead of the sample that has them, because a process may be
 * gone when names are wanted. Whoever includes this defines first:
 *   gp_symbol_record_of(w)      room for one record, or 0
 *   GP_SYMBOLS_SEEN             fingerprints of what was shipped that are kept, in pairs; a power of two
 *   gp_symbol_seen_slot(index)  pointer to one of them, or 0
 *   gp_symbol_output(w, record, size)  0 when it was shipped
 */
#pragma once

#include "bpf/walk/object.h"

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

/* Copies the characters of a str object to `to`, which has room for GP_SYMBOL_NAME_MAX. Uses w->object. */
GP_INLINE __u64 gp_symbol_read_text(struct gp_walk *w, const struct gp_python *python, __u64 string,
			       struct gp_symbol_text *text, __u8 *to)
{
	text->bytes = 0;
	text->width = 0;
	text->ascii = 0;
	text->truncated = 0;
	if (gp_read_user(w, w->object, GP_PYTHON_UNICODE_BYTES, string))
		return 0;

	/* PyASCIIObject.state: interned 2 bits, kind 3, compact 1, ascii 1 (Include/cpython/unicodeobject.h). */
	__u32 state = gp_object_half(w, python->unicode_state);
	__u32 kind = (state >> 2) & 7, is_compact = (state >> 5) & 1, is_ascii = (state >> 6) & 1;
	__u64 data = string + (is_ascii ? python->unicode_ascii_data : python->unicode_compact_data);
	__u64 length = gp_object_word(w, python->unicode_length);

	/* A code object's strings are made by the compiler, always compact: others are not what they seem. */
	if (!is_compact || (kind != 1 && kind != 2 && kind != 4))
		return 0;

	__u64 bytes = GP_CLAMP(length, GP_SYMBOL_NAME_MAX) * kind;

	text->truncated = length > GP_SYMBOL_NAME_MAX || bytes > GP_SYMBOL_NAME_MAX;
	bytes = GP_CLAMP(bytes, GP_SYMBOL_NAME_MAX);
	if (gp_read_user(w, to, (__u32)bytes, data))
		return 0;
	text->bytes = (__u32)bytes;
	text->width = (__u8)kind;
	text->ascii = (__u8)is_ascii;
	return bytes;
}

/* Fills the table's fields of the record; returns the bytes copied to `to`. */
GP_INLINE __u64 gp_symbol_read_table(struct gp_walk *w, const struct gp_python *python, __u64 table,
				struct gp_symbol *symbol, __u8 *to)
{
	__u64 size;

	symbol->table_address = 0;
	symbol->table_bytes = 0;
	symbol->table_stored = 0;
	if (gp_read_user(w, &size, 8, table + python->bytes_size) || (size >> 31))
		return 0;
	symbol->table_address = table + python->bytes_data;
	symbol->table_bytes = (__u32)size;

	__u64 stored = GP_CLAMP(size, GP_SYMBOL_TABLE_MAX);

	if (gp_read_user(w, to, (__u32)stored, symbol->table_address))
		return 0;
	symbol->table_stored = (__u32)stored;
	return stored;
}

/* Never 0, which marks a free slot. */
GP_INLINE __u64 gp_symbol_fingerprint(struct gp_walk *w, __u64 object, __u32 cookie)
{
	__u64 hash = (w->start_ticks ^ ((__u64)w->pid << 32)) * 0x9e3779b97f4a7c15ull;

	hash = (hash ^ object) * 0x9e3779b97f4a7c15ull;
	hash = (hash ^ (hash >> 32) ^ cookie) * 0x9e3779b97f4a7c15ull;
	return hash | 1;
}

/*
 * Ships the code object whose bytes are in w->object, unless it was before. Two CPUs that meet it at once may both
 * ship it. It is remembered only when all was read and shipped, so that a page that was out is tried again.
 */
GP_INLINE void gp_python_ship(struct gp_walk *w, const struct gp_python *python, __u64 code, __u32 cookie)
{
	__u64 fingerprint = gp_symbol_fingerprint(w, code, cookie);
	__u32 slot = (__u32)(fingerprint >> 40) & (GP_SYMBOLS_SEEN - 1);
	__u64 *newer = gp_symbol_seen_slot(slot);
	__u64 *older = gp_symbol_seen_slot(slot ^ 1);

	if (!newer || !older || *newer == fingerprint || *older == fingerprint)
		return;

	struct gp_symbol_record *record = gp_symbol_record_of(w);

	if (!record)
		return;

	struct gp_symbol *symbol = &record->symbol;
	__u64 name = gp_object_word(w, python->code_qualname);
	__u64 file = gp_object_word(w, python->code_filename);
	__u64 table = gp_object_word(w, python->code_line_table);
	__u64 bytes = 0;

	symbol->header.type = GP_RECORD_SYMBOL;
	symbol->start_ticks = w->start_ticks;
	symbol->pid = w->pid;
	symbol->kind = GP_FRAME_PYTHON;
	symbol->object = code;
	symbol->cookie = cookie;
	symbol->first_line = gp_object_half(w, python->code_first_line);
	bytes += gp_symbol_read_text(w, python, name, &symbol->name, record->bytes);
	bytes += gp_symbol_read_text(w, python, file, &symbol->file, record->bytes + GP_CLAMP(bytes, GP_SYMBOL_NAME_MAX));
	bytes += gp_symbol_read_table(w, python, table, symbol, record->bytes + GP_CLAMP(bytes, 2 * GP_SYMBOL_NAME_MAX));

	__u64 size = GP_CLAMP(sizeof(*symbol) + bytes, sizeof(*record));

	symbol->header.size = (__u32)size;
	if (gp_symbol_output(w, record, size) != 0)
		return;
	if (symbol->name.width && symbol->file.width && symbol->table_stored) {
		*older = *newer;
		*newer = fingerprint;
	}
}

#define gp_python_emit(w, python, code, cookie) gp_python_ship(w, python, code, cookie)
