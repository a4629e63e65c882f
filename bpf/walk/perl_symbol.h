/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Names of Perl code: what tells one from another at the same address, and what is shipped of it. */
#pragma once

#include "bpf/abi/perl.h"
#include "bpf/walk/symbol.h"

#define GP_PERL_MIX 0x9e3779b97f4a7c15ull

/* A file's name is read in blocks, which allocators align, so that no page's end cuts one; up to 384 bytes count. */
#define GP_PERL_BLOCK 16
#define GP_PERL_BLOCKS 24

/* "(eval ": each evaluated string is a file of its own, "(eval 7)". They are one: numbers would never end. */
#define GP_PERL_EVAL_FILE 0x206c61766528ull
#define GP_PERL_EVAL_FILE_BYTES 6

/* What precedes it in the name of a file's glob (gv_fetchfile_flags(), gv.c): "_<". */
#define GP_PERL_FILE_PREFIX 0x3c5full
#define GP_PERL_FILE_PREFIX_BYTES 2

/*
 * Finds the name of the file at hand, measures it and mixes what it says; w->perl.text_hash stays 0 when it cannot be
 * read.
 */
GP_INLINE int gp_perl_text(struct gp_walk *w)
{
	const struct gp_perl *perl = (const struct gp_perl *)gp_layout_of(w, GP_RUNTIME_PERL);
	__u64 text = w->perl.file, hash = 0, mark = 0, body;
	__u32 length = 0, prefix = 0;

	w->perl.text_hash = 0;
	w->perl.text_length = 0;
	if (!perl)
		return 0;
	if (perl->only) {
		if (gp_read_user(w, &body, 8, text) || gp_read_user(w, &text, 8, body + GP_PERL_GV_NAME) || !text)
			return 0;
		text += GP_PERL_NAME_TEXT;
		prefix = GP_PERL_FILE_PREFIX_BYTES;
	}
	w->perl.text = text + prefix;
	for (int i = 0; i < 2 * GP_PERL_BLOCKS && !mark; i++) {
		if (!(i & 1) && gp_read_user(w, w->object, GP_PERL_BLOCK, text + 8 * (__u64)i))
			return 0;

		__u64 word = gp_object_word(w, 8 * (i & 1));

		/* The lowest bit that is set stands for the first zero byte (Hacker's Delight, 6-1). */
		mark = (word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull;
		mark &= ~mark + 1;

		__u64 before = (mark >> 7) - 1; /* all ones in the bytes before it */

		word &= before;
		hash = (hash ^ word) * GP_PERL_MIX;
		hash ^= hash >> 29;
		length += (__u32)((before & 0x0101010101010101ull) * 0x0101010101010101ull >> 56); /* how many */
		if (!i && prefix && (word & 0xffff) != GP_PERL_FILE_PREFIX)
			return 0;
		if (!i && (word >> 8 * prefix & ((1ull << 8 * GP_PERL_EVAL_FILE_BYTES) - 1)) == GP_PERL_EVAL_FILE) {
			w->perl.text_hash = GP_PERL_EVAL_FILE;
			w->perl.text_length = GP_PERL_EVAL_FILE_BYTES;
			return 0;
		}
	}
	w->perl.text_hash = hash | 1;
	w->perl.text_length = length - prefix;
	return 0;
}

GP_PART_OF(GP_RUNTIME_PERL, gp_perl_text)

/* The name of a stash (HEK), 0: it has none. gv_efullname4(), gv.c, takes the same. */
GP_INLINE __u64 gp_perl_stash_name(struct gp_walk *w, const struct gp_perl *perl, __u64 stash)
{
	__u64 head[3], aux, name;

	if (!stash || gp_read_user(w, head, sizeof(head), stash) ||
	    !(head[GP_PERL_SV_FLAGS / 8] >> 32 & GP_PERL_HV_HAS_AUX))
		return 0;
	aux = head[0] + GP_PERL_AUX_IN_BODY;
	if (!perl->aux_in_body) {
		if (gp_read_user(w, &aux, 8, head[0] + GP_PERL_HV_MAX))
			return 0;
		aux = head[GP_PERL_SV_U / 8] + 8 * (aux + 1);
	}
	if (gp_read_user(w, w->object, GP_PERL_AUX_BYTES, aux))
		return 0;
	name = gp_object_word(w, GP_PERL_AUX_NAME);

	__s32 count = (__s32)gp_object_half(w, GP_PERL_AUX_NAME_COUNT);

	if (count && gp_read_user(w, &name, 8, name + (count < 0 ? 8 : 0)))
		return 0;
	return name;
}

/* Finds name, scope and first op of the subroutine w->perl.code. */
GP_INLINE int gp_perl_name(struct gp_walk *w)
{
	const struct gp_perl *perl = (const struct gp_perl *)gp_layout_of(w, GP_RUNTIME_PERL);
	__u64 body, glob, owner;

	w->perl.name = 0;
	w->perl.scope = 0;
	w->perl.start = 0;
	if (!perl || gp_read_user(w, &body, 8, w->perl.code) ||
	    gp_read_user(w, w->object, GP_PERL_CV_BYTES, body + GP_PERL_CV_BEGIN))
		return 0;

	__u32 flags = gp_object_half(w, GP_PERL_CV_FLAGS - GP_PERL_CV_BEGIN);

	glob = gp_object_word(w, GP_PERL_CV_GV - GP_PERL_CV_BEGIN);
	owner = gp_object_word(w, GP_PERL_CV_STASH - GP_PERL_CV_BEGIN);
	w->perl.start = gp_object_word(w, GP_PERL_CV_START - GP_PERL_CV_BEGIN);
	if (!glob)
		return 0;
	if (flags & GP_PERL_CV_IS_NAMED) {
		w->perl.name = glob;
		w->perl.scope = flags & GP_PERL_CV_IS_LEXICAL ? 0 : gp_perl_stash_name(w, perl, owner);
		return 0;
	}

	__u64 head[3], original, name[2];

	if (gp_read_user(w, head, sizeof(head), glob))
		return 0;
	/* Where a glob was given to another, the name is the first one's. */
	if (gp_read_user(w, &original, 8, head[GP_PERL_SV_U / 8] + GP_PERL_GP_EGV) == 0 && original && original != glob &&
	    gp_read_user(w, head, 8, original))
		return 0;
	if (gp_read_user(w, name, sizeof(name), head[0] + GP_PERL_GV_NAME))
		return 0;
	w->perl.name = name[0];
	w->perl.scope = gp_perl_stash_name(w, perl, name[(GP_PERL_GV_STASH - GP_PERL_GV_NAME) / 8]);
	return 0;
}

GP_PART_OF(GP_RUNTIME_PERL, gp_perl_name)

/* Mixes in what a name says: its length and the hash of its text, which is of use in one process only. */
GP_INLINE __u64 gp_perl_mix_name(struct gp_walk *w, __u64 hash, __u64 name)
{
	__u64 head = 0;

	if (name && gp_read_user(w, &head, 8, name))
		head = name;
	return (hash ^ head) * GP_PERL_MIX;
}

/* Of the frame at hand. */
GP_INLINE __u32 gp_perl_cookie(struct gp_walk *w)
{
	__u64 hash = gp_perl_mix_name(w, w->perl.kind, w->perl.name);

	hash = gp_perl_mix_name(w, hash, w->perl.scope);
	hash = (hash ^ w->perl.text_hash) * GP_PERL_MIX;
	return (__u32)(hash >> 32);
}

/* Copies a name to the record. */
GP_INLINE __u64 gp_perl_read_name(struct gp_walk *w, struct gp_symbol_record *record, struct gp_symbol_text *text,
				  __u64 used, __u64 name)
{
	__u32 length;
	__u8 flags;

	if (!name || gp_read_user(w, &length, 4, name + GP_PERL_NAME_LENGTH) ||
	    gp_read_user(w, &flags, 1, name + GP_PERL_NAME_TEXT + length + 1))
		return used;
	return gp_symbol_read_text(w, record, text, used, name + GP_PERL_NAME_TEXT, length,
				   flags & GP_PERL_NAME_IS_UTF8 ? GP_TEXT_UTF8 : 1);
}

/* Ships the frame at hand, unless it was before. */
GP_INLINE int gp_perl_ship(struct gp_walk *w)
{
	struct gp_symbol_record *record =
		gp_symbol_begin(w, GP_RUNTIME_PERL, GP_CODE_OBJECT(w->perl.code), w->perl.cookie);

	if (!record)
		return 0;

	struct gp_symbol *symbol = &record->symbol;
	__u64 used = 0;

	symbol->table_format = w->perl.kind;
	used = gp_perl_read_name(w, record, &symbol->name, used, w->perl.name);
	if (!w->perl.name)
		symbol->name.width = GP_TEXT_UTF8; /* known to have none */
	if (w->perl.text_hash)
		used = gp_symbol_read_text(w, record, &symbol->file, used, w->perl.text, w->perl.text_length, GP_TEXT_UTF8);
	used = gp_perl_read_name(w, record, &symbol->scope, used, w->perl.scope);
	gp_symbol_end(w, record, used,
		      symbol->name.width && symbol->file.width && (!w->perl.scope || symbol->scope.width));
	return 0;
}

GP_PART_OF(GP_RUNTIME_PERL, gp_perl_ship)
