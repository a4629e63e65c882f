/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Names of PHP functions: what tells one from another at the same address, and what is shipped of it. */
#pragma once

#include "bpf/abi/php.h"
#include "bpf/walk/symbol.h"

#define GP_PHP_MIX 0x9e3779b97f4a7c15ull

/*
 * Mixes in what a string says: its hash, length and first bytes. Its address alone would not do: without opcache a
 * request builds its functions at the addresses that the one before used.
 */
GP_INLINE __u64 gp_php_mix_string(struct gp_walk *w, __u64 hash, __u64 string)
{
	__u64 part[3] = { 0, 0, 0 };

	if (!string || gp_read_user(w, part, sizeof(part), string + GP_PHP_STRING_HASH))
		return (hash ^ string) * GP_PHP_MIX;
	hash = (hash ^ (part[0] ? part[0] : string)) * GP_PHP_MIX; /* 0: was not needed yet */
	hash = (hash ^ part[1]) * GP_PHP_MIX;
	/* What lies behind a short string's end is not its own. */
	return part[1] < 8 ? hash : (hash ^ part[2]) * GP_PHP_MIX;
}

/* The name of a class; 0: none. */
GP_INLINE __u64 gp_php_class_name(struct gp_walk *w, __u64 scope)
{
	__u64 name = 0;

	if (scope && gp_read_user(w, &name, 8, scope + GP_PHP_CLASS_NAME))
		return 0;
	return name;
}

/* Of the function whose bytes are in w->object. `class_name`: see gp_php_class_name(). */
GP_INLINE __u32 gp_php_cookie(struct gp_walk *w, const struct gp_php *php, __u64 class_name, int is_user)
{
	__u64 hash = gp_php_mix_string(w, 0, gp_object_word(w, GP_PHP_FUNCTION_NAME));

	hash = gp_php_mix_string(w, hash, class_name);
	if (is_user) {
		hash = gp_php_mix_string(w, hash, gp_object_word(w, php->function_file));
		hash = (hash ^ gp_object_half(w, php->function_line)) * GP_PHP_MIX;
	}
	return (__u32)(hash >> 32);
}

/* Copies a zend_string to the record. */
GP_INLINE __u64 gp_php_read_text(struct gp_walk *w, struct gp_symbol_record *record, struct gp_symbol_text *text,
				 __u64 used, __u64 string)
{
	__u64 length;

	if (!string || gp_read_user(w, &length, 8, string + GP_PHP_STRING_LENGTH))
		return used;
	return gp_symbol_read_text(w, record, text, used, string + GP_PHP_STRING_DATA, length, GP_TEXT_UTF8);
}

/* Ships the function w->php.function, whose bytes are in w->object. */
GP_INLINE int gp_php_ship(struct gp_walk *w)
{
	const struct gp_php *php = (const struct gp_php *)gp_layout_of(w, GP_RUNTIME_PHP);
	struct gp_symbol_record *record = gp_symbol_begin(w, GP_RUNTIME_PHP, w->php.function, w->php.cookie);
	int is_user = w->php.is_user != 0;

	if (!php || !record)
		return 0;

	struct gp_symbol *symbol = &record->symbol;
	__u64 name = gp_object_word(w, GP_PHP_FUNCTION_NAME);
	__u64 scope = gp_object_word(w, GP_PHP_FUNCTION_SCOPE);
	__u64 used = 0;

	used = gp_php_read_text(w, record, &symbol->name, used, name);
	if (!name)
		symbol->name.width = GP_TEXT_UTF8; /* known to have none: a file's own code */
	if (is_user) {
		symbol->first_line = gp_object_half(w, php->function_line);
		used = gp_php_read_text(w, record, &symbol->file, used, gp_object_word(w, php->function_file));
	}
	used = gp_php_read_text(w, record, &symbol->scope, used, w->php.class_name);
	gp_symbol_end(w, record, used,
		      symbol->name.width && (!is_user || symbol->file.width) && (!scope || symbol->scope.width));
	return 0;
}

GP_PART_OF(GP_RUNTIME_PHP, gp_php_ship)
