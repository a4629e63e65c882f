/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a LuaJIT function is called by, as its tracebacks have it: the variable, field or method that the calling
 * instruction took it from (lj_debug.c: lj_debug_funcname), looked for in the last instructions only. Names of variables
 * are packed: they are shipped as they are, and the agent looks them up.
 */
#pragma once

#include "bpf/walk/luajit_frame.h"
#include "bpf/walk/symbol.h"

#define GP_LUAJIT_WINDOW 32 /* instructions up to the call, in w->context */
#define GP_LUAJIT_MIX 0x9e3779b97f4a7c15ull

GP_INLINE __u32 gp_luajit_instruction(struct gp_walk *w, __u32 number)
{
	__u64 pair = w->context[GP_BOUND(number >> 1, GP_LUAJIT_WINDOW / 2 - 1)];

	return (__u32)(number & 1 ? pair >> 32 : pair);
}

GP_INLINE int gp_luajit_is_in(const __u64 *set, __u32 op)
{
	return op < 128 && set[op >> 6 & 1] >> (op & 63) & 1;
}

/* The string of that number among the constants of the caller, whose GCproto is in w->object. */
GP_INLINE void gp_luajit_name_constant(struct gp_walk *w, const struct gp_luajit *lj, __u32 number)
{
	__u64 at = gp_luajit_reference(w, lj, lj->proto_constants) - (lj->wide ? 8 : 4) * (__u64)(number + 1);

	if (gp_luajit_read_reference(w, lj, &w->luajit.names, at) == 0)
		w->luajit.named = GP_LUAJIT_BY_CONSTANT;
}

/* Names that lie at the end of the caller's GCproto (lj_parse.c: fs_prep_var): of upvalues, then of variables. */
GP_INLINE void gp_luajit_name_packed(struct gp_walk *w, const struct gp_luajit *lj, enum gp_luajit_named named,
				     __u32 operand)
{
	__u64 upvalues = gp_luajit_reference(w, lj, lj->proto_upvalues);
	__u64 locals = gp_luajit_reference(w, lj, lj->proto_locals);
	__u64 end = w->luajit.caller.code - lj->proto_bytes + gp_object_half(w, lj->proto_size);

	w->luajit.names = named == GP_LUAJIT_BY_LOCAL ? locals : upvalues;
	if (named == GP_LUAJIT_BY_UPVALUE && locals > upvalues)
		end = locals;
	if (!w->luajit.names || end <= w->luajit.names)
		return;
	w->luajit.names_bytes = (__u32)(end - w->luajit.names);
	w->luajit.named = named;
	w->luajit.operand = operand;
}

/*
 * What one more instruction, number w->luajit.back of the window, w->luajit.position of the function, says of who set
 * register w->luajit.reg. 1: no more is needed.
 */
GP_INLINE int gp_luajit_look_back(struct gp_walk *w)
{
	const struct gp_luajit *lj = (const struct gp_luajit *)gp_layout_of(w, GP_RUNTIME_LUAJIT);
	__u32 instruction;

	if (!lj || !w->luajit.back)
		return 1;
	w->luajit.back--;
	w->luajit.position--;
	instruction = gp_luajit_instruction(w, w->luajit.back);

	__u32 op = instruction & 0xff, a = instruction >> 8 & 0xff, reg = w->luajit.reg;

	if (gp_luajit_is_in(lj->base_ops, op))
		return reg >= a && (op != GP_LUAJIT_KNIL || reg <= instruction >> 16);
	if (a != reg || !gp_luajit_is_in(lj->set_ops, op))
		return 0;
	if (op == GP_LUAJIT_GGET)
		gp_luajit_name_constant(w, lj, instruction >> 16);
	else if (op == GP_LUAJIT_TGETS)
		gp_luajit_name_constant(w, lj, instruction >> 16 & 0xff);
	else if (op == GP_LUAJIT_UGET)
		gp_luajit_name_packed(w, lj, GP_LUAJIT_BY_UPVALUE, instruction >> 16);
	else if (op == GP_LUAJIT_MOV)
		gp_luajit_name_packed(w, lj, GP_LUAJIT_BY_LOCAL, instruction >> 16);
	return 1;
}

GP_TURN(gp_luajit_look_back)

/* Says in w->luajit what the frame at hand was called by. */
GP_INLINE int gp_luajit_find_name(struct gp_walk *w)
{
	const struct gp_luajit *lj = (const struct gp_luajit *)gp_layout_of(w, GP_RUNTIME_LUAJIT);
	const struct gp_luajit_frame *caller = &w->luajit.caller;
	__u64 pc = w->luajit.frame.previous_pc;

	w->luajit.names = 0;
	w->luajit.names_bytes = 0;
	w->luajit.named = GP_LUAJIT_UNNAMED;
	w->luajit.operand = w->luajit.position = 0;
	if (!lj || !gp_luajit_holds(caller, pc) ||
	    gp_read_user(w, w->object, (__u32)GP_BOUND(lj->proto_bytes, 127), caller->code - lj->proto_bytes))
		return 0;

	__u64 behind = (pc - caller->code) >> 2; /* instructions up to the call */
	__u64 count = GP_CLAMP(behind, GP_LUAJIT_WINDOW);
	__u64 bytes = GP_CLAMP(4 * count, 4 * GP_LUAJIT_WINDOW);

	if (gp_read_user(w, w->context, (__u32)bytes, pc - bytes))
		return 0;

	__u32 call = (__u32)count - 1;
	__u32 instruction = gp_luajit_instruction(w, call), op = instruction & 0xff;

	if (op == GP_LUAJIT_ITERC || op == GP_LUAJIT_ITERN) {
		w->luajit.named = GP_LUAJIT_ITERATOR;
		return 0;
	}
	if (op != GP_LUAJIT_CALL && op != GP_LUAJIT_CALLM) {
		w->luajit.named = GP_LUAJIT_EVENT;
		w->luajit.operand = op;
		return 0;
	}
	w->luajit.reg = instruction >> 8 & 0xff;
	w->luajit.back = call;
	w->luajit.position = (__u32)behind - 1;
	GP_LOOP(gp_luajit_look_back, w, GP_LUAJIT_WINDOW);
	return 0;
}

GP_PART_OF(GP_RUNTIME_LUAJIT, gp_luajit_find_name)

/* Mixes in what a string says, by its hash and length. */
GP_INLINE __u64 gp_luajit_mix_string(struct gp_walk *w, const struct gp_luajit *lj, __u64 hash, __u64 string)
{
	__u32 part[2] = { 0, 0 }; /* hash, length */

	hash = (hash ^ string) * GP_LUAJIT_MIX;
	if (!string || gp_read_user(w, part, sizeof(part), string + lj->string_hash))
		return hash;
	return (hash ^ part[0] ^ (__u64)part[1] << 32) * GP_LUAJIT_MIX;
}

/* By whom it was called belongs to the name, so to what tells frames apart. */
GP_INLINE __u64 gp_luajit_mix_name(struct gp_walk *w, const struct gp_luajit *lj)
{
	__u64 hash = ((__u64)w->luajit.named << 32 | w->luajit.operand) * GP_LUAJIT_MIX;

	if (w->luajit.named == GP_LUAJIT_BY_CONSTANT)
		return gp_luajit_mix_string(w, lj, hash, w->luajit.names);
	hash = (hash ^ w->luajit.names) * GP_LUAJIT_MIX;
	return w->luajit.named == GP_LUAJIT_BY_LOCAL ? (hash ^ w->luajit.position) * GP_LUAJIT_MIX : hash;
}

/* Of the function whose GCproto is in w->object. */
GP_INLINE __u32 gp_luajit_cookie(struct gp_walk *w, const struct gp_luajit *lj)
{
	__u64 hash = gp_luajit_mix_name(w, lj);

	hash = gp_luajit_mix_string(w, lj, hash, gp_luajit_reference(w, lj, lj->proto_source));
	hash = (hash ^ gp_object_half(w, lj->proto_code_size)) * GP_LUAJIT_MIX;
	hash = (hash ^ gp_object_half(w, lj->proto_first_line)) * GP_LUAJIT_MIX;
	hash = (hash ^ gp_object_half(w, lj->proto_line_count)) * GP_LUAJIT_MIX;
	return (__u32)(hash >> 32);
}

/* Copies a GCstr to the record. */
GP_INLINE __u64 gp_luajit_read_text(struct gp_walk *w, const struct gp_luajit *lj, struct gp_symbol_record *record,
				    struct gp_symbol_text *text, __u64 used, __u64 string)
{
	__u32 length = 0;
	__u8 type = 0;

	if (!string || gp_read_user(w, &type, 1, string + lj->object_type) || type != GP_LUAJIT_STRING ||
	    gp_read_user(w, &length, 4, string + lj->string_length))
		return used;
	return gp_symbol_read_text(w, record, text, used, string + lj->string_bytes, length, GP_TEXT_UTF8);
}

/* Appends the names that lead to the frame's. */
GP_INLINE __u64 gp_luajit_read_names(struct gp_walk *w, struct gp_symbol_record *record, __u64 used)
{
	struct gp_luajit_names names = { .position = w->luajit.position, .stored = 0 };
	__u64 head = GP_CLAMP(used, 2 * GP_SYMBOL_NAME_MAX);

	used = head + sizeof(names);
	GP_SYMBOL_APPEND(w, record, used, 2 * GP_SYMBOL_NAME_MAX + sizeof(names), w->luajit.names,
			 w->luajit.names_bytes, GP_LUAJIT_NAMES_MAX, names.stored);
	__builtin_memcpy(record->bytes + head, &names, sizeof(names));
	record->symbol.table_bytes = record->symbol.table_stored = (__u32)(used - head);
	return used;
}

/* Ships the frame's function, at `object`, whose GCproto is in w->object if it is one of Lua; unless it was before. */
GP_INLINE void gp_luajit_ship(struct gp_walk *w, const struct gp_luajit *lj, __u64 object, __u32 cookie)
{
	struct gp_symbol_record *record = gp_symbol_begin(w, GP_RUNTIME_LUAJIT, object, cookie);

	if (!record)
		return;

	struct gp_symbol *symbol = &record->symbol;
	int is_lua = w->luajit.frame.kind == GP_LUAJIT_FRAME_LUA, is_main = 0;
	__u64 name = w->luajit.named == GP_LUAJIT_BY_CONSTANT ? w->luajit.names : 0, source = 0, used = 0;

	used = gp_luajit_read_text(w, lj, record, &symbol->name, used, name);
	if (is_lua) {
		symbol->first_line = gp_object_half(w, lj->proto_first_line);
		is_main = !symbol->first_line && gp_object_half(w, lj->proto_line_count);
		source = gp_luajit_reference(w, lj, lj->proto_source);
		used = gp_luajit_read_text(w, lj, record, &symbol->file, used, source);
	}
	symbol->table_format = GP_LUAJIT_FORMAT(is_lua, is_main, w->luajit.named, w->luajit.operand);
	if (w->luajit.names_bytes)
		used = gp_luajit_read_names(w, record, used);
	gp_symbol_end(w, record, used, (symbol->name.width || !name) && (symbol->file.width || !source));
}
