/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Names of Ruby methods and C functions, and the lines of the former. */
#pragma once

#include "bpf/walk/ruby_object.h"
#include "bpf/walk/symbol.h"

#define GP_RUBY_TEXTS (3 * GP_SYMBOL_NAME_MAX)

/* 1 + which of the literals a string object shows; 0: none. */
GP_INLINE __u8 gp_ruby_literal(struct gp_walk *w, const struct gp_ruby *ruby, __u64 string)
{
	__u64 length;
	__u64 bytes = gp_ruby_string(w, ruby, string, &length);

	for (__u8 i = 0; bytes && i < GP_RUBY_LITERALS; i++)
		if (ruby->literals[i] == bytes)
			return i + 1;
	return 0;
}

/* Copies the bytes of a string object to the record. */
GP_INLINE __u64 gp_ruby_read_text(struct gp_walk *w, const struct gp_ruby *ruby, struct gp_symbol_record *record,
				  struct gp_symbol_text *text, __u64 used, __u64 string)
{
	__u64 length;
	__u64 bytes = gp_ruby_string(w, ruby, string, &length);

	return bytes ? gp_symbol_read_text(w, record, text, used, bytes, length, GP_TEXT_UTF8) : used;
}

/* The class the method entry is of. */
GP_INLINE __u64 gp_ruby_read_scope(struct gp_walk *w, const struct gp_ruby *ruby, struct gp_symbol_record *record,
				   __u64 used, __u64 method, __u8 *is_singleton)
{
	__u64 owner = 0, path = 0, length = 0;

	*is_singleton = 0;
	if (method && gp_read_user(w, &owner, 8, method + GP_RUBY_METHOD_OWNER) == 0)
		path = gp_ruby_class_path(w, ruby, owner, is_singleton);
	path = path ? gp_ruby_string(w, ruby, path, &length) : 0;
	if (!path)
		return used;
	used = gp_symbol_read_text(w, record, &record->symbol.scope, used, path, length, GP_TEXT_UTF8);
	if (!record->symbol.scope.width) {
		w->ruby.lines.scope_address = path;
		w->ruby.lines.scope_bytes = (__u32)GP_CLAMP(length, GP_SYMBOL_NAME_MAX);
	}
	return used;
}

/* Bytes of struct succ_index_table for so many words of code (iseq.c: succ_index_table_create). */
GP_INLINE __u64 gp_ruby_index_bytes(__u64 code_size)
{
	return code_size < 54 ? (code_size + 8) / 9 * 8 : 48 + (code_size - 54 + 511) / 512 * 80;
}

/* The head of a table without lines. */
GP_INLINE struct gp_ruby_lines *gp_ruby_fresh_lines(struct gp_walk *w, const struct gp_ruby *ruby)
{
	struct gp_ruby_lines *lines = &w->ruby.lines;

	__builtin_memset(lines, 0, sizeof(*lines));
	lines->line_bytes = ruby->line_bytes;
	return lines;
}

/* Appends the head of the table and, for code, index and lines. */
GP_INLINE __u64 gp_ruby_read_lines(struct gp_walk *w, struct gp_symbol_record *record, __u64 used,
				   struct gp_ruby_lines *lines)
{
	__u64 head = GP_CLAMP(used, GP_RUBY_TEXTS);

	used = head + sizeof(*lines);
	if (lines->count) {
		__u64 size = gp_ruby_index_bytes(lines->code_size);

		/* A single line needs no index. */
		if (lines->count > 1)
			GP_SYMBOL_APPEND(w, record, used, GP_RUBY_TEXTS + sizeof(*lines), lines->index_address, size,
				       GP_RUBY_INDEX_MAX, lines->index_stored);
		size = (__u64)lines->count * lines->line_bytes;
		GP_SYMBOL_APPEND(w, record, used, GP_RUBY_TEXTS + sizeof(*lines) + GP_RUBY_INDEX_MAX, lines->lines_address, size,
			       GP_RUBY_LINES_MAX, lines->lines_stored);
	}
	__builtin_memcpy(record->bytes + head, lines, sizeof(*lines));
	record->symbol.table_bytes = record->symbol.table_stored = (__u32)(used - head);
	return used;
}

/*
 * Ships the method w->ruby.shipped, whose body's bytes are in w->object; w->ruby.environment: where a frame of it finds its
 * method entry, or 0.
 */
GP_INLINE int gp_ruby_ship_code(struct gp_walk *w)
{
	const struct gp_ruby *ruby = (const struct gp_ruby *)gp_layout_of(w, GP_RUNTIME_RUBY);
	struct gp_symbol_record *record = gp_symbol_begin(w, GP_RUNTIME_RUBY, w->ruby.shipped, w->ruby.cookie);

	if (!ruby || !record)
		return 0;

	struct gp_ruby_lines *lines = gp_ruby_fresh_lines(w, ruby);
	__u64 label = gp_object_word(w, GP_RUBY_BODY_LABEL), path = gp_object_word(w, GP_RUBY_BODY_PATH);
	__u64 used = 0;
	__u32 first = gp_object_half(w, GP_RUBY_BODY_FIRST_LINE);

	lines->index_address = gp_object_word(w, ruby->lines + GP_RUBY_LINES_INDEX);
	lines->lines_address = gp_object_word(w, ruby->lines);
	lines->code_size = gp_object_half(w, GP_RUBY_BODY_SIZE);
	lines->count = gp_object_half(w, ruby->lines + GP_RUBY_LINES_COUNT);
	record->symbol.first_line = ruby->first_line_tagged ? first >> 1 : first;
	/* A string, or an array of that and its absolute form (iseq.c: rb_iseq_pathobj_new). */
	if ((gp_ruby_flags(w, path) & GP_RUBY_TYPE) == GP_RUBY_ARRAY)
		path = gp_ruby_element(w, path, 0);
	lines->literal = gp_ruby_literal(w, ruby, label);
	used = gp_ruby_read_text(w, ruby, record, &record->symbol.name, used, label);
	used = gp_ruby_read_text(w, ruby, record, &record->symbol.file, used, path);
	used = gp_ruby_read_scope(w, ruby, record, used, gp_ruby_method(w), &lines->is_singleton);
	used = gp_ruby_read_lines(w, record, used, lines);
	gp_symbol_end(w, record, used, (record->symbol.name.width || lines->literal) && record->symbol.file.width && lines->lines_stored);
	return 0;
}

GP_PART_OF(GP_RUNTIME_RUBY, gp_ruby_ship_code)

/* Ships the C function w->ruby.shipped of the method entry w->ruby.entry. */
GP_INLINE int gp_ruby_ship_function(struct gp_walk *w)
{
	const struct gp_ruby *ruby = (const struct gp_ruby *)gp_layout_of(w, GP_RUNTIME_RUBY);
	struct gp_symbol_record *record = gp_symbol_begin(w, GP_RUNTIME_RUBY, w->ruby.shipped, w->ruby.cookie);

	if (!ruby || !record)
		return 0;

	struct gp_ruby_lines *lines = gp_ruby_fresh_lines(w, ruby);
	__u64 name = gp_ruby_id_name(w, ruby, w->ruby.id);
	__u64 used = name ? gp_ruby_read_text(w, ruby, record, &record->symbol.name, 0, name) : 0;

	used = gp_ruby_read_scope(w, ruby, record, used, w->ruby.entry, &lines->is_singleton);
	used = gp_ruby_read_lines(w, record, used, lines);
	gp_symbol_end(w, record, used, record->symbol.name.width);
	return 0;
}

GP_PART_OF(GP_RUNTIME_RUBY, gp_ruby_ship_function)

/* Ships what stands for the garbage collector: a record without any text. */
GP_INLINE void gp_ruby_ship_collector(struct gp_walk *w)
{
	struct gp_symbol_record *record = gp_symbol_begin(w, GP_RUNTIME_RUBY, GP_RUBY_COLLECTING, 0);

	if (record)
		gp_symbol_end(w, record, 0, 1);
}
