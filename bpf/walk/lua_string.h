/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Strings of Lua. */
#pragma once

#include "bpf/abi/lua.h"
#include "bpf/walk/object.h"

#define GP_LUA_MIX 0x9e3779b97f4a7c15ull

/* `head`: type, marks, hash; length. True when it is a string. */
GP_INLINE int gp_lua_is_string(const struct gp_lua *lua, const __u64 *head)
{
	__u64 type = head[0] & 0xff;

	/* 5.1 has one kind of strings. */
	return (type & GP_LUA_TYPE_MASK) == GP_LUA_STRING && type <= (lua->version > GP_LUA_51 ? 0x14 : 0x04);
}

GP_INLINE __u64 gp_lua_length(const struct gp_lua *lua, const __u64 *head)
{
	if (lua->version > GP_LUA_52 && (head[0] & 0xff) == GP_LUA_SHORT_STRING)
		return head[0] >> 8 * (GP_LUA_STRING_SHORT_LENGTH - GP_LUA_OBJECT_TYPE) & 0xff;
	return head[1];
}

/* Where the bytes of a string are; 0: not known. */
GP_INLINE __u64 gp_lua_data(struct gp_walk *w, const struct gp_lua *lua, const __u64 *head, __u64 string)
{
	__u64 data = string + GP_LUA_STRING_DATA;

	if (lua->version >= GP_LUA_55 && (head[0] & 0xff) != GP_LUA_SHORT_STRING && gp_read_user(w, &data, 8, data))
		return 0;
	return data;
}

/*
 * Mixes in what a string says: short ones by their hash, others by length, beginning and end (their hash is made when
 * it is first needed, if at all).
 */
GP_INLINE __u64 gp_lua_mix_string(struct gp_walk *w, const struct gp_lua *lua, __u64 hash, __u64 string)
{
	__u64 part[2] = { 0, 0 }, length, data;

	hash = (hash ^ string) * GP_LUA_MIX;
	if (!string || gp_read_user(w, part, sizeof(part), string + GP_LUA_OBJECT_TYPE))
		return hash;
	length = gp_lua_length(lua, part);
	hash = (hash ^ length) * GP_LUA_MIX;
	if (length <= 40) /* LUAI_MAXSHORTLEN, llimits.h */
		return (hash ^ part[0] >> 32) * GP_LUA_MIX;
	data = gp_lua_data(w, lua, part, string);
	if (gp_read_user(w, part, sizeof(part), data) == 0)
		hash = ((hash ^ part[0]) * GP_LUA_MIX ^ part[1]) * GP_LUA_MIX;
	if (gp_read_user(w, part, sizeof(part), data + length - sizeof(part)) == 0)
		hash = ((hash ^ part[0]) * GP_LUA_MIX ^ part[1]) * GP_LUA_MIX;
	return hash;
}
