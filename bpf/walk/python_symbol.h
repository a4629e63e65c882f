/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Names of Python code objects. */
#pragma once

#include "bpf/walk/python_scope.h"
#include "bpf/walk/symbol.h"

/* Tells a code object from another at the same address: mixes what its names and lines are made of. */
GP_INLINE __u32 gp_python_cookie(struct gp_walk *w, const struct gp_python *python)
{
	__u64 hash = gp_object_half(w, python->code_first_line);

	hash = (hash ^ gp_object_word(w, python->code_name)) * 0x9e3779b97f4a7c15ull;
	hash = (hash ^ gp_object_word(w, python->code_qualname)) * 0x9e3779b97f4a7c15ull;
	hash = (hash ^ gp_object_word(w, python->code_filename)) * 0x9e3779b97f4a7c15ull;
	hash = (hash ^ gp_object_word(w, python->code_line_table)) * 0x9e3779b97f4a7c15ull;
	return (__u32)(hash >> 32);
}

/* Copies the characters of a str object to the record. Uses w->object. */
GP_INLINE __u64 gp_python_read_text(struct gp_walk *w, const struct gp_python *python, struct gp_symbol_record *record,
				    struct gp_symbol_text *text, __u64 used, __u64 string)
{
	if (python->text_is_bytes) {
		__u64 size;

		if (gp_read_user(w, &size, 8, string + python->bytes_size))
			return used;
		return gp_symbol_read_text(w, record, text, used, string + python->bytes_data, size, GP_TEXT_UTF8);
	}
	if (gp_read_user(w, w->object, GP_PYTHON_UNICODE_BYTES, string))
		return used;

	/* PyASCIIObject.state: interned, kind 3 bits, compact 1, ascii 1 (Include/cpython/unicodeobject.h). */
	__u32 state = gp_object_half(w, python->unicode_state) >> (python->text_kind_shift & 31);
	__u32 kind = state & 7, is_compact = (state >> 3) & 1, is_ascii = (state >> 4) & 1;
	__u64 data = string + (is_ascii ? python->unicode_ascii_data : python->unicode_compact_data);

	/* A code object's strings are made by the compiler, always compact: others are not what they seem. */
	if (!is_compact || (kind != 1 && kind != 2 && kind != 4))
		return used;
	text->ascii = (__u8)is_ascii;
	return gp_symbol_read_text(w, record, text, used, data, gp_object_word(w, python->unicode_length), kind);
}

/* Copies a bytes object that holds the table of lines. */
GP_INLINE __u64 gp_python_read_table(struct gp_walk *w, const struct gp_python *python, struct gp_symbol_record *record,
				     __u64 used, __u64 table)
{
	__u64 size;

	if (gp_read_user(w, &size, 8, table + python->bytes_size) || (size >> 31))
		return used;
	return gp_symbol_read_table(w, record, used, table + python->bytes_data, (__u32)size);
}

/*
 * Ships the code object whose bytes are in w->object, unless it was before. Before 3.11 a code object does not know
 * its qualified name: `generator` (0: none) does, and so does the class of the frame's first argument, `locals`.
 */
GP_INLINE void gp_python_ship(struct gp_walk *w, const struct gp_python *python, __u64 code, __u32 cookie,
			      __u64 generator, __u64 locals)
{
	struct gp_symbol_record *record = gp_symbol_begin(w, GP_RUNTIME_PYTHON, code, cookie);

	if (!record)
		return;

	struct gp_symbol *symbol = &record->symbol;
	__u64 name = gp_object_word(w, python->code_qualname);
	__u64 file = gp_object_word(w, python->code_filename);
	__u64 table = gp_object_word(w, python->code_line_table);
	__u64 used = 0;

	symbol->table_format = python->lines;
	symbol->first_line = gp_object_half(w, python->code_first_line);
	w->python.owner = 0;
	if (python->object_frames)
		name = gp_python_qualified(w, python, code, name, generator, locals);
	used = gp_python_read_text(w, python, record, &symbol->name, used, name);
	used = gp_python_read_text(w, python, record, &symbol->file, used, file);
	if (w->python.owner)
		used = gp_python_read_text(w, python, record, &symbol->scope, used, w->python.owner);
	used = gp_python_read_table(w, python, record, used, table);
	gp_symbol_end(w, record, used, symbol->name.width && symbol->file.width && symbol->table_stored);
}
