/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the LuaJIT unwinder remembers from turn to turn: the coroutine, the frame at hand and its caller. */
#pragma once

#include <linux/types.h>

#define GP_LUAJIT_NO_FRAME 0 /* gp_luajit_frame.kind: not one, or it could not be read */
#define GP_LUAJIT_DUMMY 1    /* stands for no function (lj_err.c: lj_err_optype_call) */
#define GP_LUAJIT_FRAME_C 2
#define GP_LUAJIT_FRAME_LUA 3

struct gp_luajit_frame {
	__u64 base;     /* address of its first slot; 0: there is none */
	__u64 function; /* GCfunc */
	__u64 code;     /* Lua: its first instruction; C: what is called */
	__u64 pc;       /* Lua: behind the instruction it is at; 0: not known */
	__u64 link;     /* where it returns to, or how large it is */
	__u64 previous; /* base of the frame that called it; 0: none */
	__u64 previous_pc; /* the instruction of that behind the call; 0: the link does not tell */
	__u32 size;     /* Lua: bytes of its instructions */
	__u8 kind;      /* GP_LUAJIT_FRAME_* */
	__u8 is_entry;  /* C called the interpreter here */
	__u8 reserved[2];
};

struct gp_luajit_walk {
	__u64 state;  /* lua_State, 0: none was met yet */
	__u64 global; /* its global_State */
	__u64 bottom; /* where its stack begins */
	__u64 limit;  /* and ends */
	__u64 base;   /* what it says is its newest frame: true where it called C */
	__u64 link;   /* for the frame that is read next: what its link will be, 0: it is there */
	struct gp_luajit_frame frame;  /* the next one */
	struct gp_luajit_frame caller; /* the one that called it; when an activation is met: who may be the first */
	__u64 compiled; /* a pc in compiled code; 0: the interpreter runs */
	__u64 entered;  /* base of the frame in which that was entered: those above are not on the stack */
	__u64 snapshot; /* address of the entries of what stands for the stack above; 0: not known */
	__u64 constants; /* GCtrace.ir, which they refer to */
	__u64 slots[2]; /* what was found there */
	__u64 left;   /* base of the frame that is the newest once the activation is left that was met before; 0: not known */
	__u64 live;   /* rbx of the activation at hand: behind the instruction it is at; 0: not known */
	__u64 names;  /* where the name that `frame` is called by is, or is to be looked for */
	__u32 names_bytes;
	__u32 named;  /* enum gp_luajit_named */
	__u32 operand;
	__u32 position; /* of the instruction that says so */
	__u32 reg;    /* looking for it: the register that holds the function */
	__u32 back;   /* where in the window the search is; whether one found what it looked for */
	__u32 entries; /* of the snapshot */
	__u32 low;    /* searching: the first that may be, */
	__u32 high;   /* and the one behind the last */
	__u32 inside; /* an activation is at hand */
	__u32 pushed; /* frames pushed for it */
	__u32 turns;
	__u32 noted;  /* what the runtime is doing was said */
};
