/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the Lua unwinder remembers from turn to turn: the coroutine, its calls, and the C activation at hand. */
#pragma once

#include <linux/types.h>

#define GP_LUA_CALL_LUA 1       /* the function is written in Lua */
#define GP_LUA_CALL_FRESH 2     /* C called the loop here */
#define GP_LUA_CALL_TAIL 4      /* a tail call */
#define GP_LUA_CALL_HOOKED 8    /* it is interrupted by a hook */
#define GP_LUA_CALL_FINALIZER 16 /* or by a finalizer */

struct gp_lua_call {
	__u64 address;  /* of its CallInfo, 0: there is none */
	__u64 previous; /* the one that called it */
	__u64 closure;
	__u64 code; /* Proto, or the C function */
	__u64 pc;   /* behind the instruction that it last saved */
	__u32 flags; /* GP_LUA_CALL_* */
	__u32 reserved;
};

struct gp_lua_walk {
	__u64 state; /* lua_State, 0: none was met yet */
	__u64 newest; /* its newest call */
	__u64 base;  /* 5.1: where its calls end */
	__u64 saved; /* 5.1: pc of the newest call */
	__u64 stack; /* 5.4: where its stack begins */
	__u64 at;    /* the call that the activation at hand runs, 0: it was listed, or is not known */
	__u64 running; /* the same, to the end of the activation */
	__u64 live;  /* its pc by the loop's own variable, 0: not known */
	struct gp_lua_call call;   /* the next one */
	struct gp_lua_call caller; /* the one after it */
	__u64 name;  /* the TString that `call` is called by, 0: none */
	__u32 named; /* enum gp_lua_named */
	__u32 instruction; /* that called it */
	__u32 setter; /* looking for it: which instruction of the window set the function's register, so far */
	__u32 reg;    /* and which register that is, or how many variables lie before the one that is looked for */
	__u32 at_turn; /* and where the search is: how far before the call; at which variable */
	__u32 behind_call; /* instructions of the window up to the call; of the function up to where the variable lives */
	__u32 is_capture; /* `setter` may be one of those behind a CLOSURE of 5.1, which say what it captures */
	__u32 broken; /* the call behind the last one could not be read */
	__u32 inside; /* an activation is at hand */
	__u32 whole;  /* it goes on with what was suspended: all calls that are left are its own */
	__u32 pushed; /* frames pushed for it */
	__u32 turns;
};
