/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where LuaJIT 2.1 keeps what the walker looks at; src/runtimes/lua fills it. Objects are those of lj_obj.h; there are
 * two layouts: references of 64 bits and frames of two slots (LJ_GC64), references of 32 bits and frames of one.
 */
#pragma once

#include "bpf/abi/runtime.h"

#define GP_LUAJIT_ENTERS 6 /* vm_resume, vm_pcall, vm_call, vm_cpcall, vm_ffi_callback (vm_x64.dasc) */
#define GP_LUAJIT_LEAVES 3 /* vm_leave_unw, vm_unwind_rethrow */

struct gp_luajit {
	__u64 vm;   /* where the interpreter's code begins */
	__u64 loop; /* an instruction in it whose frame is whole */
	__u64 set_ops[2];  /* bit n: instruction n sets register A (lj_bc.h: BCMdst); 64 to 127 */
	__u64 base_ops[2]; /* sets registers from A on, or may (BCMbase) */
	__s32 dispatch;    /* DISPATCH, what r14 has in the interpreter, less global_State */
	__s32 traces;      /* jit_State.trace less global_State */
	__u16 enters[GP_LUAJIT_ENTERS]; /* where activations push what they save, behind `vm`; 0: none */
	__u16 leaves[GP_LUAJIT_LEAVES]; /* where they pop it */
	__u16 wide;          /* LJ_GC64 */
	__u16 global_vmstate;
	__u16 global_main;   /* global_State.mainthref */
	__u16 global_cur_L;
	__u16 global_jit_base;
	__u8 object_type;    /* GCHeader.gct */
	__u8 state_global;   /* lua_State.glref */
	__u8 state_base;
	__u8 state_limit; /* lua_State.maxstack */
	__u8 state_stack;
	__u8 state_cframe;
	__u8 frame_state;    /* SAVE_L (lj_frame.h: CFRAME_OFS_L), from the stack pointer up */
	__u8 frame_results;  /* SAVE_NRES */
	__u8 function_kind;  /* GCfunc.ffid */
	__u8 function_pc;
	__u8 function_c;     /* GCfuncC.f */
	__u8 proto_bytes;    /* sizeof(GCproto); its instructions follow */
	__u8 proto_code_size; /* GCproto.sizebc */
	__u8 proto_constants; /* GCproto.k */
	__u8 proto_size;      /* GCproto.sizept */
	__u8 proto_source;    /* GCproto.chunkname */
	__u8 proto_first_line;
	__u8 proto_line_count; /* GCproto.numline */
	__u8 proto_lines;     /* GCproto.lineinfo */
	__u8 proto_upvalues;  /* GCproto.uvinfo */
	__u8 proto_locals;    /* GCproto.varinfo */
	__u8 string_bytes;    /* sizeof(GCstr); its text follows */
	__u8 string_hash;
	__u8 string_length;
	__u8 trace_code_size; /* GCtrace.szmcode */
	__u8 trace_code;      /* GCtrace.mcode */
	__u8 trace_snapshot_count; /* GCtrace.nsnap */
	__u8 trace_snapshots; /* GCtrace.snap */
	__u8 trace_snapshot_map; /* GCtrace.snapmap */
	__u8 trace_ir;        /* GCtrace.ir */
};

GP_LAYOUT_FITS(struct gp_luajit);

/* Types of objects: ~LJ_TSTR and so on (lj_obj.h). */
#define GP_LUAJIT_STRING 4
#define GP_LUAJIT_THREAD 6
#define GP_LUAJIT_PROTO 7
#define GP_LUAJIT_FUNCTION 8
#define GP_LUAJIT_TRACE 9
#define GP_LUAJIT_REFERENCE ((1ull << 47) - 1) /* LJ_GCVMASK: of a slot, where references have 64 bits */

/* Links of frames (lj_frame.h): where they return to in bytecode, or how large they are and of which type. */
#define GP_LUAJIT_LINK_TYPE 3
#define GP_LUAJIT_LINK_TYPE_P 7
#define GP_LUAJIT_LINK_LUA 0
#define GP_LUAJIT_LINK_C 1 /* also with the bit of protected calls: C called the interpreter here */
#define GP_LUAJIT_LINK_CONT 2
#define GP_LUAJIT_LINK_VARG 3
#define GP_LUAJIT_CONT_CALLBACK 1 /* LJ_CONT_FFI_CALLBACK */

#define GP_LUAJIT_VMSTATE_GC (~2) /* ~LJ_VMST_GC */

/* Instructions (lj_bc.h, the same in all of 2.1). */
#define GP_LUAJIT_MOV 18
#define GP_LUAJIT_KNIL 44
#define GP_LUAJIT_UGET 45
#define GP_LUAJIT_GGET 54
#define GP_LUAJIT_TGETS 57
#define GP_LUAJIT_CALLM 65
#define GP_LUAJIT_CALL 66
#define GP_LUAJIT_ITERC 69
#define GP_LUAJIT_ITERN 70

/* Whose name a frame has, `table_format` of its symbol: GP_LUAJIT_FORMAT. */
enum gp_luajit_named {
	GP_LUAJIT_UNNAMED,
	GP_LUAJIT_BY_CONSTANT, /* a global or a field: the symbol has the name */
	GP_LUAJIT_BY_LOCAL,    /* a variable of the caller: `operand` is its register, the table a struct gp_luajit_names */
	GP_LUAJIT_BY_UPVALUE,  /* `operand` is its number */
	GP_LUAJIT_ITERATOR,    /* a for loop called it */
	GP_LUAJIT_EVENT,       /* an instruction called it: a metamethod; `operand`: which */
};

/* is_main: no function, but the code of a file. */
#define GP_LUAJIT_FORMAT(is_lua, is_main, named, operand)                                            \
	(GP_CAST(__u32, (is_lua)) | GP_CAST(__u32, (is_main)) << 1 | GP_CAST(__u32, (named)) << 8 | \
	 GP_CAST(__u32, (operand)) << 16)

/* Begins the table of a symbol that a local variable or an upvalue of the caller names; its uvinfo or varinfo follows. */
struct gp_luajit_names {
	__u32 position; /* of the instruction that took the function from there */
	__u32 stored;   /* bytes that follow */
};
#define GP_LUAJIT_NAMES_MAX 4096
