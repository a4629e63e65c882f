/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a function is called by: Lua's functions have no names, its tracebacks take that of the variable, field or method
 * that the calling instruction took the function from (getobjname(), ldebug.c). As there, but looked for in the last
 * instructions only, and through one assignment.
 */
#pragma once

#include "bpf/walk/lua_string.h"
#include "bpf/walk/symbol.h"

#define GP_LUA_WINDOW 32 /* instructions up to the call, in w->object behind the caller's Proto */
#define GP_LUA_WINDOW_AT 128
#define GP_LUA_LOCALS 64 /* looked at */

#define GP_LUA_NOT_SET (~0u)

GP_INLINE __u32 gp_lua_instruction(struct gp_walk *w, __u32 position)
{
	return gp_object_half(w, GP_LUA_WINDOW_AT + 4 * GP_BOUND(position, GP_LUA_WINDOW - 1));
}

/* Operands (lopcodes.h): 5.4 has opcodes of 7 bits, A of 8, k, B of 8, C of 8; before: 6, A of 8, C of 9, B of 9. */
GP_INLINE __u32 gp_lua_op(const struct gp_lua *lua, __u32 instruction)
{
	return instruction & (lua->version >= GP_LUA_54 ? 0x7f : 0x3f);
}
GP_INLINE __u32 gp_lua_a(const struct gp_lua *lua, __u32 instruction)
{
	return instruction >> (lua->version >= GP_LUA_54 ? 7 : 6) & 0xff;
}
GP_INLINE __u32 gp_lua_b(const struct gp_lua *lua, __u32 instruction)
{
	return lua->version >= GP_LUA_54 ? instruction >> 16 & 0xff : instruction >> 23;
}
GP_INLINE __u32 gp_lua_c(const struct gp_lua *lua, __u32 instruction)
{
	return lua->version >= GP_LUA_54 ? instruction >> 24 : instruction >> 14 & 0x1ff;
}
/* Of a jump: how far from the instruction behind it. */
GP_INLINE __s32 gp_lua_distance(const struct gp_lua *lua, __u32 instruction)
{
	return lua->version >= GP_LUA_54 ? (__s32)(instruction >> 7) - 0xffffff : (__s32)(instruction >> 14) - 131071;
}

/* The constant of that number, when it is a string; 0: it is not. */
GP_INLINE __u64 gp_lua_constant(struct gp_walk *w, const struct gp_lua *lua, __u32 number)
{
	__u64 value[2];

	if (gp_read_user(w, value, sizeof(value), gp_object_word(w, lua->proto_constants) + 16 * (__u64)number) ||
	    (value[1] & GP_LUA_TYPE_MASK) != GP_LUA_STRING)
		return 0;
	return value[0];
}

/* Operand C when it is a constant (5.1, 5.3: BITRK). */
GP_INLINE __u64 gp_lua_constant_c(struct gp_walk *w, const struct gp_lua *lua, __u32 instruction)
{
	__u32 c = gp_lua_c(lua, instruction);

	if (lua->version >= GP_LUA_54)
		return gp_lua_constant(w, lua, c);
	return c & 0x100 ? gp_lua_constant(w, lua, c & 0xff) : 0;
}

GP_INLINE __u64 gp_lua_upvalue(struct gp_walk *w, const struct gp_lua *lua, __u32 number)
{
	__u64 name = 0;

	if (number >= gp_object_half(w, lua->proto_upvalues_size) ||
	    gp_read_user(w, &name, 8,
			 gp_object_word(w, lua->proto_upvalues) + (__u64)number * lua->upvalue_bytes))
		return 0;
	return name;
}

/* One more variable of the Proto in w->object, for gp_lua_local(). 1: no more is needed. */
GP_INLINE int gp_lua_look_at_local(struct gp_walk *w)
{
	const struct gp_lua *lua = (const struct gp_lua *)gp_layout_of(w, GP_RUNTIME_LUA);
	__u64 local[2]; /* name; first instruction, the one behind the last */
	__u32 number = w->lua.at_turn++, pc = w->lua.behind_call;

	if (!lua || number >= gp_object_half(w, lua->proto_locals_size) ||
	    gp_read_user(w, local, sizeof(local), gp_object_word(w, lua->proto_locals) + 16 * (__u64)number) ||
	    (__u32)local[1] > pc)
		return 1;
	if (pc >= (__u32)(local[1] >> 32))
		return 0;
	if (w->lua.reg == 0) {
		w->lua.name = local[0];
		return 1;
	}
	w->lua.reg--;
	return 0;
}

GP_TURN(gp_lua_look_at_local)

/* The variable that is in register `number` at instruction `pc`: the number-th of those that live there (lfunc.c). */
GP_INLINE __u64 gp_lua_local(struct gp_walk *w, __u32 number, __u32 pc)
{
	w->lua.reg = number;
	w->lua.at_turn = 0;
	w->lua.behind_call = pc;
	w->lua.name = 0;
	GP_LOOP(gp_lua_look_at_local, w, GP_LUA_LOCALS);
	return w->lua.name;
}

/* The name of what `setter`, instruction `pc` of the Proto in w->object, loads. */
GP_INLINE __u64 gp_lua_loaded(struct gp_walk *w, const struct gp_lua *lua, __u32 setter, __u32 pc)
{
	__u32 op = gp_lua_op(lua, setter);

	if (op == lua->op.move)
		return gp_lua_local(w, gp_lua_b(lua, setter), pc);
	if (op == lua->op.get_upvalue)
		return gp_lua_upvalue(w, lua, gp_lua_b(lua, setter));
	if (op == lua->op.get_global)
		return gp_lua_constant(w, lua, setter >> 14);
	if (op == lua->op.self && lua->version == GP_LUA_54 && !(setter >> 15 & 1))
		return 0; /* its key is in a register */
	if (op == lua->op.get_in_upvalue || op == lua->op.get_field || op == lua->op.self ||
	    (op == lua->op.get_table && lua->version < GP_LUA_54))
		return gp_lua_constant_c(w, lua, setter);
	return 0;
}

/* What one more instruction of the window says of who set register w->lua.reg. 1: no more is needed. */
GP_INLINE int gp_lua_look_back(struct gp_walk *w)
{
	const struct gp_lua *lua = (const struct gp_lua *)gp_layout_of(w, GP_RUNTIME_LUA);
	__u32 call = w->lua.behind_call, position = call - ++w->lua.at_turn;

	if (!lua || position >= call)
		return 1;

	__u32 instruction = gp_lua_instruction(w, position);
	__u32 op = gp_lua_op(lua, instruction), a = gp_lua_a(lua, instruction);

	if (op == lua->op.jump) {
		__u32 target = position + 1 + (__u32)gp_lua_distance(lua, instruction);

		if (w->lua.setter == GP_LUA_NOT_SET || target <= w->lua.setter || target > call)
			return 0;
		w->lua.setter = GP_LUA_NOT_SET; /* it depends */
		return 1;
	}

	__u32 captures = lua->version == GP_LUA_51 && a == 0 && (op == lua->op.move || op == lua->op.get_upvalue);

	if (w->lua.is_capture && op == lua->op.closure)
		w->lua.setter = GP_LUA_NOT_SET;
	w->lua.is_capture = w->lua.is_capture && captures;
	if (w->lua.setter != GP_LUA_NOT_SET)
		return 0;
	if (a == w->lua.reg) {
		w->lua.setter = position;
		w->lua.is_capture = captures;
		return 0;
	}
	/* These set more than one. */
	return a < w->lua.reg && (op == lua->op.call || op == lua->op.tail_call || op == lua->op.for_call ||
				  op == lua->op.load_nil);
}

GP_TURN(gp_lua_look_back)

/*
 * Which of the first `call` instructions in the window set register `reg`; GP_LUA_NOT_SET: none, or it depends (as
 * findsetreg(), ldebug.c).
 */
GP_INLINE __u32 gp_lua_find_setter(struct gp_walk *w, __u32 call, __u32 reg)
{
	w->lua.reg = reg;
	w->lua.setter = GP_LUA_NOT_SET;
	w->lua.is_capture = 0;
	w->lua.at_turn = 0;
	w->lua.behind_call = call;
	GP_LOOP(gp_lua_look_back, w, GP_LUA_WINDOW - 1);
	return w->lua.setter;
}

/* Says in w->lua what w->lua.call was called by. Leaves the caller's Proto in w->object. */
GP_INLINE int gp_lua_find_name(struct gp_walk *w)
{
	const struct gp_lua *lua = (const struct gp_lua *)gp_layout_of(w, GP_RUNTIME_LUA);
	const struct gp_lua_call *caller = &w->lua.caller;

	w->lua.name = 0;
	w->lua.named = GP_LUA_UNNAMED;
	w->lua.instruction = 0;
	if (!lua || !caller->address || w->lua.call.flags & GP_LUA_CALL_TAIL || !(caller->flags & GP_LUA_CALL_LUA) ||
	    caller->flags & GP_LUA_CALL_HOOKED)
		return 0;
	if (caller->flags & GP_LUA_CALL_FINALIZER) {
		w->lua.named = GP_LUA_FINALIZER;
		return 0;
	}
	if (gp_read_user(w, w->object, GP_LUA_WINDOW_AT - 8, caller->code))
		return 0;

	__u64 behind = (caller->pc - gp_object_word(w, lua->proto_code)) >> 2; /* instructions up to the call */

	if (!behind || behind > gp_object_half(w, lua->proto_code_size))
		return 0;

	__u64 count = GP_CLAMP(behind, GP_LUA_WINDOW);
	__u64 bytes = GP_CLAMP(4 * count, 4 * GP_LUA_WINDOW);

	if (gp_read_user(w, w->object + GP_LUA_WINDOW_AT, (__u32)bytes, caller->pc - bytes))
		return 0;

	__u32 call = (__u32)count - 1;
	__u32 instruction = gp_lua_instruction(w, call), op = gp_lua_op(lua, instruction);

	w->lua.instruction = instruction;
	if (op == lua->op.for_call) {
		w->lua.named = GP_LUA_ITERATOR;
	} else if (op != lua->op.call && op != lua->op.tail_call) {
		w->lua.named = GP_LUA_EVENT;
	} else {
		__u32 setter = gp_lua_find_setter(w, call, gp_lua_a(lua, instruction));

		if (setter == GP_LUA_NOT_SET)
			return 0;
		w->lua.name = gp_lua_loaded(w, lua, gp_lua_instruction(w, setter),
					    (__u32)behind - 1 - (call - setter));
		if (w->lua.name)
			w->lua.named = GP_LUA_BY_CALL;
	}
	return 0;
}

GP_PART_OF(GP_RUNTIME_LUA, gp_lua_find_name)
