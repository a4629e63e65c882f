/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where the loop of one Lua keeps what it works on, and the offsets of its version; src/runtimes/lua fills it. What is
 * the same in 5.1 to 5.5 on 64-bit machines is named here.
 */
#pragma once

#include "bpf/abi/runtime.h"

/* `extra` of a frame: 5.4: number of the instruction that runs; before: its line, 0: not known. C functions: 0. */
#define GP_LUA_NO_INSTRUCTION (~0u)

/* A variable of luaV_execute(): in a register, or in memory at one. Registers are numbered as DWARF does. */
#define GP_LUA_NOWHERE 255
struct gp_lua_place {
	__s32 offset;
	__u8 reg; /* GP_LUA_NOWHERE: not known */
	__u8 in_memory;
	__u16 reserved;
};

/* Opcodes (lopcodes.h of each version) that say what a function is called. 255: the version has none. */
struct gp_lua_opcodes {
	__u8 move, get_upvalue, get_global, get_in_upvalue, get_table, get_field, self, load_nil, jump, call, tail_call,
		for_call, closure;
};

struct gp_lua {
	__u64 unroll[2]; /* where luaV_execute() returns to in unroll(), which goes on with what was suspended; 0: none */
	struct gp_lua_place state; /* its lua_State */
	struct gp_lua_place pc;    /* the instruction behind the one that runs */
	struct gp_lua_place at;    /* its CallInfo; 5.1: its closure */
	__u32 version;             /* 0x504 for 5.4 */
	__u32 fresh;               /* CallInfo.callstatus: CIST_FRESH: C called the loop here; 0: 5.1, 5.2 */
	__u32 reentry;             /* 5.2: CIST_REENTRY: Lua called it; 0: later */
	__u32 lua;                 /* CIST_LUA, 0: 5.4 */
	__u32 c;                   /* CIST_C, 0: before 5.4 */
	__u32 tail;                /* CIST_TAIL */
	__u32 hooked;              /* CIST_HOOKED */
	__u32 finalizer;           /* CIST_FIN, 0: not in 5.3.3 */
	__u8 state_ci;             /* lua_State.ci */
	__u8 call_bytes;           /* sizeof(CallInfo) */
	__u8 call_function;        /* CallInfo.func */
	__u8 call_pc;              /* CallInfo.u.l.savedpc, 5.1: CallInfo.savedpc */
	__u8 call_status;          /* CallInfo.callstatus, 5.1: CallInfo.tailcalls */
	__u8 closure_code;         /* LClosure.p, CClosure.f */
	__u8 proto_bytes;          /* sizeof(Proto) */
	__u8 proto_constants;      /* Proto.k */
	__u8 proto_code;           /* Proto.code */
	__u8 proto_code_size;      /* Proto.sizecode */
	__u8 proto_upvalues;       /* Proto.upvalues */
	__u8 proto_upvalues_size;  /* Proto.sizeupvalues */
	__u8 upvalue_bytes;        /* sizeof(Upvaldesc), whose first member is the name; 5.1: of a pointer to it */
	__u8 proto_lines;          /* Proto.lineinfo */
	__u8 proto_lines_size;     /* Proto.sizelineinfo */
	__u8 proto_places;         /* 5.4: Proto.abslineinfo */
	__u8 proto_places_size;    /* 5.4: Proto.sizeabslineinfo */
	__u8 proto_locals;         /* Proto.locvars */
	__u8 proto_locals_size;    /* Proto.sizelocvars */
	__u8 proto_source;         /* Proto.source */
	__u8 proto_first_line;     /* Proto.linedefined; lastlinedefined follows */
	struct gp_lua_opcodes op;
};

GP_LAYOUT_FITS(struct gp_lua);

#define GP_LUA_55 0x505
#define GP_LUA_54 0x504
#define GP_LUA_53 0x503
#define GP_LUA_52 0x502
#define GP_LUA_51 0x501

/* CommonHeader (lobject.h): next, tt, marked. */
#define GP_LUA_OBJECT_TYPE 8
#define GP_LUA_THREAD 8 /* LUA_TTHREAD, lua.h */

/* lua_State (lstate.h): the first bytes, which have all that is looked at. */
#define GP_LUA_STATE_BYTES 96
#define GP_LUA_STATE_PC 48   /* 5.1: savedpc, of the newest call */
#define GP_LUA_STATE_BASE 80 /* 5.1: base_ci, the oldest call: none of Lua's */
#define GP_LUA_STATE_STACK 48 /* 5.4: where its stack begins */
#define GP_LUA_STACK_MAX (1u << 25) /* bytes: LUAI_MAXSTACK (luaconf.h), a million slots, and some more */
/* CallInfo: 5.1 has an array of them; later ones are linked. */
#define GP_LUA_CALL_PREVIOUS 16

/* TValue (lobject.h): value, type; 16 bytes. */
#define GP_LUA_VALUE_TYPE 8
#define GP_LUA_TYPE_MASK 0x0f
#define GP_LUA_STRING 4   /* LUA_TSTRING */
#define GP_LUA_FUNCTION 6 /* LUA_TFUNCTION */
#define GP_LUA_LIGHT_C 0x16   /* from 5.2 on: LUA_TLCF: a pointer to code, no closure */
/* Closure (lobject.h) */
#define GP_LUA_CLOSURE_BYTES 40
#define GP_LUA_CLOSURE_IS_C 10 /* 5.1 */

/* TString (lobject.h): type, hash and length; the bytes follow; 5.5: of long ones their address. */
#define GP_LUA_STRING_LENGTH 16
#define GP_LUA_STRING_DATA 24
#define GP_LUA_SHORT_STRING 4   /* 5.3, 5.4: LUA_TSHRSTR: has its length in a byte */
#define GP_LUA_STRING_SHORT_LENGTH 11

/* Whose name a frame has (`table_format` of its symbol, see GP_LUA_FORMAT). */
enum gp_lua_named {
	GP_LUA_UNNAMED,
	GP_LUA_BY_CALL,  /* by the variable it was called through */
	GP_LUA_ITERATOR, /* a for loop called it */
	GP_LUA_EVENT,    /* an instruction called it: a metamethod */
	GP_LUA_FINALIZER,
};

/* operand: C of the instruction that called a metamethod. */
#define GP_LUA_FORMAT(version, is_lua, named, op, operand)                                        \
	((GP_CAST(__u32, (version) & 0xf)) | (GP_CAST(__u32, (is_lua)) << 4) | GP_CAST(__u32, (named)) << 8 | \
	 GP_CAST(__u32, (op)) << 16 | GP_CAST(__u32, (operand)) << 24)

/* 5.4: begins the line table of a symbol; then AbsLineInfo entries (8 bytes each), then lineinfo. */
struct gp_lua_lines {
	__u32 places_stored; /* bytes */
	__u32 lines_stored;  /* bytes */
	__u32 first_line;    /* of the definition, which the deltas begin with */
	__u32 reserved;
};
#define GP_LUA_PLACES_MAX 1024 /* of 16,000 instructions: one is made every 128 (MAXIWTHABS, ldebug.h) or jump of lines */
#define GP_LUA_LINES_MAX 12000 /* instructions; the lines of those behind are not known */
