/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Names of Lua functions: what tells one from another at the same address, and what is shipped of it. */
#pragma once

#include "bpf/walk/lua_string.h"
#include "bpf/walk/symbol.h"

#define GP_LUA_TEXTS (3 * GP_SYMBOL_NAME_MAX)

/* By whom it was called belongs to the name, so to what tells frames apart. */
GP_INLINE __u64 gp_lua_mix_name(struct gp_walk *w, const struct gp_lua *lua)
{
	__u64 hash = gp_lua_mix_string(w, lua, w->lua.named, w->lua.name);

	return w->lua.named == GP_LUA_EVENT ? (hash ^ w->lua.instruction) * GP_LUA_MIX : hash;
}

/* Of the function whose Proto is in w->object. */
GP_INLINE __u32 gp_lua_cookie(struct gp_walk *w, const struct gp_lua *lua)
{
	__u64 hash = gp_lua_mix_name(w, lua);

	hash = gp_lua_mix_string(w, lua, hash, gp_object_word(w, lua->proto_source));
	hash = (hash ^ gp_object_word(w, lua->proto_code)) * GP_LUA_MIX;
	hash = (hash ^ gp_object_word(w, lua->proto_lines)) * GP_LUA_MIX;
	hash = (hash ^ gp_object_half(w, lua->proto_code_size)) * GP_LUA_MIX;
	hash = (hash ^ gp_object_half(w, lua->proto_first_line)) * GP_LUA_MIX;
	hash = (hash ^ gp_object_half(w, lua->proto_first_line + 4)) * GP_LUA_MIX;
	return (__u32)(hash >> 32);
}

/* Copies a TString to the record. */
GP_INLINE __u64 gp_lua_read_text(struct gp_walk *w, const struct gp_lua *lua, struct gp_symbol_record *record,
				 struct gp_symbol_text *text, __u64 used, __u64 string)
{
	__u64 head[2];

	if (!string || gp_read_user(w, head, sizeof(head), string + GP_LUA_OBJECT_TYPE) || !gp_lua_is_string(lua, head))
		return used;
	return gp_symbol_read_text(w, record, text, used, gp_lua_data(w, lua, head, string), gp_lua_length(lua, head),
				   GP_TEXT_UTF8);
}

/* 5.4: appends both tables that lines are made of. */
GP_INLINE __u64 gp_lua_read_lines(struct gp_walk *w, const struct gp_lua *lua, struct gp_symbol_record *record,
				  __u64 used)
{
	struct gp_lua_lines lines;
	__u64 head = GP_CLAMP(used, GP_LUA_TEXTS);
	__u64 places = gp_object_word(w, lua->proto_places), deltas = gp_object_word(w, lua->proto_lines);

	used = head + sizeof(lines);
	lines.first_line = record->symbol.first_line;
	lines.reserved = 0;
	GP_SYMBOL_APPEND(w, record, used, GP_LUA_TEXTS + sizeof(lines), places,
			 8 * (__u64)gp_object_half(w, lua->proto_places_size),
			 GP_LUA_PLACES_MAX, lines.places_stored);
	GP_SYMBOL_APPEND(w, record, used, GP_LUA_TEXTS + sizeof(lines) + GP_LUA_PLACES_MAX, deltas,
			 gp_object_half(w, lua->proto_lines_size),
			 GP_LUA_LINES_MAX, lines.lines_stored);
	__builtin_memcpy(record->bytes + head, &lines, sizeof(lines));
	record->symbol.table_bytes = record->symbol.table_stored = (__u32)(used - head);
	return used;
}

GP_INLINE __u32 gp_lua_format(struct gp_walk *w, const struct gp_lua *lua, int is_lua)
{
	__u32 instruction = w->lua.named == GP_LUA_EVENT ? w->lua.instruction : 0;

	return GP_LUA_FORMAT(lua->version, is_lua, w->lua.named,
			     instruction & (lua->version >= GP_LUA_54 ? 0x7f : 0x3f),
			     lua->version >= GP_LUA_54 ? instruction >> 24 : 0);
}

/* Ships the function whose Proto is in w->object, unless it was before. */
GP_INLINE void gp_lua_ship_code(struct gp_walk *w, const struct gp_lua *lua, __u64 proto, __u32 cookie)
{
	struct gp_symbol_record *record = gp_symbol_begin(w, GP_RUNTIME_LUA, proto, cookie);

	if (!record)
		return;

	struct gp_symbol *symbol = &record->symbol;
	__u64 source = gp_object_word(w, lua->proto_source);
	__u64 used = 0;

	symbol->first_line = gp_object_half(w, lua->proto_first_line);
	symbol->table_format = gp_lua_format(w, lua, 1);
	used = gp_lua_read_text(w, lua, record, &symbol->name, used, w->lua.name);
	used = gp_lua_read_text(w, lua, record, &symbol->file, used, source);
	if (lua->version >= GP_LUA_54)
		used = gp_lua_read_lines(w, lua, record, used);
	/* Code that was stripped has no source. */
	gp_symbol_end(w, record, used, (symbol->name.width || !w->lua.name) && (symbol->file.width || !source));
}

/* Ships the C function that was called by the name at hand. */
GP_INLINE void gp_lua_ship_function(struct gp_walk *w, const struct gp_lua *lua, __u64 function, __u32 cookie)
{
	struct gp_symbol_record *record = gp_symbol_begin(w, GP_RUNTIME_LUA, function, cookie);

	if (!record)
		return;

	__u64 used = gp_lua_read_text(w, lua, record, &record->symbol.name, 0, w->lua.name);

	record->symbol.table_format = gp_lua_format(w, lua, 0);
	gp_symbol_end(w, record, used, record->symbol.name.width || !w->lua.name);
}
