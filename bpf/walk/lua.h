/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Lua 5.1 to 5.5: one call of a coroutine's chain a turn, handed over to native code where C called the
 * interpreter. Layouts: bpf/abi/lua.h.
 *
 * Lua has no globals. The loop, luaV_execute(), keeps its lua_State (a coroutine, the main one too) where its code tells
 * (src/runtimes/lua/code_scan.h), and the native walk brings that back: every activation says whose calls are next. An
 * activation owns the functions of Lua from the newest down to one that C called; C functions are calls of the chain,
 * too, and run on the C stack above the activation that called them. Where the loop keeps the call that it runs tells
 * which activation is at which, while calls are entered and left.
 */
#pragma once

#include "bpf/walk/lua_name.h"
#include "bpf/walk/lua_symbol.h"

#define GP_LUA_TURNS (4 * GP_MAX_FRAMES) /* ends chains that go round; some calls have no frame to show */
#define GP_LUA_AHEAD 8 /* calls of C functions above the one that an activation runs */

/* What the activation at hand has in one of its variables; 0: not known. */
GP_INLINE __u64 gp_lua_variable(struct gp_walk *w, const struct gp_lua_place *place)
{
	__u64 number = place->reg, value;

	if (number >= GP_REGS || !(w->registers.valid & (1u << number)))
		return 0;
	value = w->registers.value[GP_BOUND(number, 31)];
	if (place->in_memory && gp_read_user(w, &value, 8, value + (__u64)(__s64)place->offset))
		return 0;
	return value;
}

/* What is said of a call by its status. */
GP_INLINE __u32 gp_lua_flags(const struct gp_lua *lua, __u32 status)
{
	__u32 flags = 0;

	if (lua->c ? !(status & lua->c) : status & lua->lua)
		flags |= GP_LUA_CALL_LUA;
	if (lua->reentry ? !(status & lua->reentry) : status & lua->fresh)
		flags |= GP_LUA_CALL_FRESH;
	if (status & lua->tail)
		flags |= GP_LUA_CALL_TAIL;
	if (status & lua->hooked)
		flags |= GP_LUA_CALL_HOOKED;
	if (status & lua->finalizer)
		flags |= GP_LUA_CALL_FINALIZER;
	return flags;
}

/*
 * Where the function of a call is on the coroutine's stack. While that stack is made larger, all pointers to it are
 * distances from where it began (ldo.c of 5.4.5 to 5.4.8: relstack).
 */
GP_INLINE __u64 gp_lua_function_of(struct gp_walk *w, const struct gp_lua *lua)
{
	__u64 function = gp_object_word(w, lua->call_function);

	return lua->version == GP_LUA_54 && function < GP_LUA_STACK_MAX ? w->lua.stack + function : function;
}

/* The call at `address`; its address is 0 when there is none, or it cannot be read (-1). Uses w->object. */
GP_INLINE int gp_lua_read_call(struct gp_walk *w, const struct gp_lua *lua, struct gp_lua_call *call, __u64 address)
{
	int is_51 = lua->version == GP_LUA_51;
	__u64 value[2];

	call->address = 0;
	if (!address || address == w->lua.base)
		return 0;
	if (gp_read_user(w, w->object, lua->call_bytes, address))
		return -1;
	call->previous = is_51 ? address - lua->call_bytes : gp_object_word(w, GP_LUA_CALL_PREVIOUS);
	if (!call->previous)
		return 0; /* the state's own */
	call->pc = is_51 && address == w->lua.newest ? w->lua.saved : gp_object_word(w, lua->call_pc);
	call->flags = gp_lua_flags(lua, gp_object_half(w, lua->call_status & ~3u) >> 8 * (lua->call_status & 3u));
	if (gp_read_user(w, value, sizeof(value), gp_lua_function_of(w, lua)) ||
	    (value[1] & GP_LUA_TYPE_MASK) != GP_LUA_FUNCTION)
		return -1;
	call->closure = call->code = value[0];
	if (is_51 || (value[1] & 0xff) != GP_LUA_LIGHT_C) {
		if (gp_read_user(w, w->object, GP_LUA_CLOSURE_BYTES, call->closure))
			return -1;
		call->code = gp_object_word(w, lua->closure_code);
	}
	if (is_51) /* of C functions nobody sets the number of tail calls */
		call->flags = gp_object_byte(w, GP_LUA_CLOSURE_IS_C)
				      ? 0
				      : GP_LUA_CALL_LUA | (call->flags & GP_LUA_CALL_TAIL);
	call->address = address;
	return 0;
}

/* As above; that it cannot be read is remembered until the walk gets there. */
GP_INLINE void gp_lua_advance(struct gp_walk *w, const struct gp_lua *lua, struct gp_lua_call *call, __u64 address)
{
	w->lua.broken = gp_lua_read_call(w, lua, call, address) < 0;
}

/* Finds the call that the activation at hand is at among the next ones. 0: it is none of them. */
GP_INLINE __u64 gp_lua_find_at(struct gp_walk *w, const struct gp_lua *lua, __u64 wanted)
{
	__u64 call = w->lua.call.address, part[3];

	for (int i = 0; i < GP_LUA_AHEAD && call && call != w->lua.base; i++) {
		if (call == wanted)
			return call;
		if (gp_read_user(w, part, sizeof(part), call))
			return 0;
		if (lua->version != GP_LUA_51) {
			call = part[GP_LUA_CALL_PREVIOUS / 8];
			continue;
		}
		if (gp_read_user(w, part, 8, part[1]) == 0 && part[0] == wanted)
			return call;
		call -= lua->call_bytes;
	}
	return 0;
}

/* True when the activation at hand was called to go on with what was suspended. */
GP_INLINE int gp_lua_is_unrolled(struct gp_walk *w, const struct gp_lua *lua)
{
	__u64 end = gp_frame_end(w), caller = 0;

	if (!end || gp_read_user(w, &caller, 8, end - 8) || !caller)
		return 0;
	return caller == lua->unroll[0] || caller == lua->unroll[1];
}

/* The coroutine that the activation at hand runs is another one. */
GP_INLINE void gp_lua_take_state(struct gp_walk *w, const struct gp_lua *lua, __u64 state)
{
	w->lua.state = state;
	w->lua.newest = gp_object_word(w, lua->state_ci);
	w->lua.base = lua->version == GP_LUA_51 ? gp_object_word(w, GP_LUA_STATE_BASE) : 0;
	w->lua.saved = gp_object_word(w, GP_LUA_STATE_PC);
	w->lua.stack = gp_object_word(w, GP_LUA_STATE_STACK);
	gp_lua_advance(w, lua, &w->lua.call, w->lua.newest);
}

/* Meets an activation of the loop. 0: its calls come next, 1: it has none (yet, or any more), -1: it does not say whose. */
GP_INLINE int gp_lua_enter(struct gp_walk *w, const struct gp_lua *lua)
{
	__u64 state = gp_lua_variable(w, &lua->state);

	w->lua.inside = 1;
	w->lua.pushed = 0;
	w->lua.at = w->lua.running = w->lua.live = 0;
	w->lua.whole = 0;
	if (!state || state & 7 || gp_read_user(w, w->object, GP_LUA_STATE_BYTES, state) ||
	    gp_object_byte(w, GP_LUA_OBJECT_TYPE) != GP_LUA_THREAD)
		return -1;
	if (state != w->lua.state)
		gp_lua_take_state(w, lua, state);
	if (w->lua.broken)
		return 0;

	__u64 at = gp_lua_variable(w, &lua->at);

	if (lua->at.reg != GP_LUA_NOWHERE) {
		w->lua.at = at ? gp_lua_find_at(w, lua, at) : 0;
		if (!w->lua.at)
			return 1;
		w->lua.running = w->lua.at;
	}
	w->lua.live = gp_lua_variable(w, &lua->pc);
	w->lua.whole = gp_lua_is_unrolled(w, lua) > 0;
	return 0;
}

/* Native code goes on. */
GP_INLINE int gp_lua_leave(struct gp_walk *w)
{
	enum gp_pass_eval pass = w->lua.pushed ? GP_EVAL_HIDE : GP_EVAL_SHOW;

	if (w->lua.pushed)
		w->record.frames[GP_BOUND(w->frames - 1, GP_MAX_FRAMES - 1)].flags |= GP_FRAME_ENTRY;
	w->lua.inside = 0;
	return gp_hand_back(w, pass);
}

/* The activation at hand has frames that cannot be had: a frame says so. */
GP_INLINE int gp_lua_gap(struct gp_walk *w)
{
	if (w->drain)
		return gp_fail_runtime(w, GP_RUNTIME_LUA, GP_END_RUNTIME_READ);
	if (!gp_push_interpreted(w, GP_FRAME_END, 0, 0, GP_RUNTIME_LUA, GP_END_RUNTIME_READ))
		return 1;
	w->lua.pushed++;
	return gp_lua_leave(w);
}

/* C called the function of Lua at hand: the one below it is no caller in the same activation. */
GP_INLINE int gp_lua_is_entry(struct gp_walk *w, const struct gp_lua *lua)
{
	__u32 instruction = 0;

	if (lua->version != GP_LUA_51)
		return w->lua.call.flags & GP_LUA_CALL_FRESH;
	/* 5.1 marks nothing; it is Lua that called when the caller is at a call (metamethods are called by C). */
	if (!w->lua.caller.address || !(w->lua.caller.flags & GP_LUA_CALL_LUA) ||
	    gp_read_user(w, &instruction, 4, w->lua.caller.pc - 4))
		return 1;
	return gp_lua_op(lua, instruction) != lua->op.call;
}

/* Which instruction the function at hand, whose Proto is in w->object, is at, counted from 1; 0: not known. */
GP_INLINE __u32 gp_lua_position(struct gp_walk *w, const struct gp_lua *lua)
{
	__u64 code = gp_object_word(w, lua->proto_code), size = gp_object_half(w, lua->proto_code_size);
	__u64 from = w->lua.live - code;

	if (w->lua.call.address != w->lua.running || !w->lua.live || from & 3 || from >> 2 > size)
		from = w->lua.call.pc - code;
	if (from & 3 || from >> 2 > size)
		return 0;
	return from ? (__u32)(from >> 2) : 1; /* it has only been entered */
}

/* The line of that instruction, where there is one for each: before 5.4. */
GP_INLINE __u32 gp_lua_line(struct gp_walk *w, const struct gp_lua *lua, __u32 position)
{
	__u32 line = 0;

	if (!position || position > gp_object_half(w, lua->proto_lines_size) ||
	    gp_read_user(w, &line, 4, gp_object_word(w, lua->proto_lines) + 4 * (__u64)(position - 1)))
		return 0;
	return line;
}

/* A frame of a function of Lua. As gp_php_push(): 1: the stack is full, -1: it cannot be read. */
GP_INLINE int gp_lua_push_code(struct gp_walk *w, const struct gp_lua *lua)
{
	__u64 proto = w->lua.call.code;

	if (gp_read_user(w, w->object, GP_LUA_WINDOW_AT - 8, proto))
		return -1;

	__u32 position = gp_lua_position(w, lua), cookie = gp_lua_cookie(w, lua);
	__u32 where = lua->version >= GP_LUA_54 ? (position ? position - 1 : GP_LUA_NO_INSTRUCTION)
						: gp_lua_line(w, lua, position);

	if (!gp_push_code(w, GP_RUNTIME_LUA, 0, proto, cookie, where))
		return 1;
	w->lua.pushed++;
	gp_lua_ship_code(w, lua, proto, cookie);
	return 0;
}

/* A frame of a C function; the native frames say what it is when Lua does not. 1: the stack is full. */
GP_INLINE int gp_lua_push_function(struct gp_walk *w, const struct gp_lua *lua)
{
	__u64 function = w->lua.call.code;

	if (w->lua.named == GP_LUA_UNNAMED)
		return 0;

	__u32 cookie = (__u32)(gp_lua_mix_name(w, lua) >> 32);

	if (!gp_push_code(w, GP_RUNTIME_LUA, 0, function, cookie, 0))
		return 1;
	w->lua.pushed++;
	gp_lua_ship_function(w, lua, function, cookie);
	return 0;
}

/* The call at w->lua.call. */
GP_INLINE int gp_lua_call_step(struct gp_walk *w, const struct gp_lua *lua)
{
	struct gp_lua_call *call = &w->lua.call;
	int is_lua = call->flags & GP_LUA_CALL_LUA, is_entry, pushed;

	if (!call->address) {
		if (w->lua.broken) {
			w->lua.broken = 0;
			return gp_lua_gap(w);
		}
		if (w->drain)
			return gp_end_of_runtime(w, GP_RUNTIME_LUA, GP_EVAL_SHOW);
		return gp_lua_leave(w);
	}
	if (++w->lua.turns > GP_LUA_TURNS)
		return gp_fail_runtime(w, GP_RUNTIME_LUA, GP_END_RUNTIME_READ);

	gp_lua_advance(w, lua, &w->lua.caller, call->previous);
	GP_CALL(gp_lua_find_name, w);
	pushed = is_lua ? gp_lua_push_code(w, lua) : gp_lua_push_function(w, lua);
	if (pushed > 0)
		return 1;
	if (pushed < 0) {
		call->address = 0;
		w->lua.broken = 0;
		return gp_lua_gap(w);
	}
	if (call->address == w->lua.at)
		w->lua.at = 0;
	is_entry = is_lua && !w->lua.whole && gp_lua_is_entry(w, lua);
	*call = w->lua.caller;
	if (!is_entry || w->lua.at)
		return 0;
	if (!w->drain)
		return gp_lua_leave(w);
	w->record.frames[GP_BOUND(w->frames - 1, GP_MAX_FRAMES - 1)].flags |= GP_FRAME_ENTRY;
	return 0;
}

/* One turn of the Lua unwinder. 0: go on, 1: the walk is over. */
GP_INLINE int gp_lua_step(struct gp_walk *w)
{
	const struct gp_lua *lua = (const struct gp_lua *)gp_layout_of(w, GP_RUNTIME_LUA);

	if (!lua)
		return gp_fail_runtime(w, GP_RUNTIME_LUA, GP_END_RUNTIME_NOT_LOADED);
	if (gp_is_first_turn(w, GP_RUNTIME_LUA))
		__builtin_memset(&w->lua, 0, sizeof(w->lua));
	if (w->drain && !w->lua.state)
		return gp_fail_runtime(w, GP_RUNTIME_LUA, GP_END_RUNTIME_NOT_LOADED);
	if (!w->lua.inside && !w->drain) {
		int entered = gp_lua_enter(w, lua);

		if (entered > 0)
			return gp_lua_leave(w);
		if (entered < 0) /* at the loop's beginning or end it has not set it, or restored the caller's */
			return w->registers.is_return ? gp_lua_gap(w) : gp_lua_leave(w);
	}
	return gp_lua_call_step(w, lua);
}
