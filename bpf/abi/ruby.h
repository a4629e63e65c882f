/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Where one process keeps its Ruby, and the offsets of its version; src/runtimes/ruby fills it. What is the same in all
 * versions walked (2.7 to 4.0) is a constant here, with its place in Ruby's sources.
 */
#pragma once

#include "bpf/abi/runtime.h"
#include "bpf/abi/thread_variable.h"

/*
 * Labels that Ruby takes from its own file: pages of it that a process has not read are not there (as in one just
 * forked), so they are known by their address: "<main>" and "<top (required)>" (parse.y, iseq.c).
 */
#define GP_RUBY_LITERALS 2

struct gp_ruby {
	struct gp_thread_variable context; /* 3.0+: ruby_current_ec */
	__u64 current;     /* 2.7: &ruby_current_execution_context_ptr: of the thread that has the lock */
	__u64 vm;          /* 2.7: &ruby_current_vm_ptr */
	__u64 symbols;     /* &ruby_global_symbols, 0: C functions have no names */
	__u64 code_start; /* of the file that has the loop, in the process: YJIT's code returns there; 3.1+ */
	__u64 code_end;
	__u64 literals[GP_RUBY_LITERALS]; /* labels that lie in the file's read-only data, 0: not found */
	__u16 version;     /* 0x0303 for 3.3 */
	__u16 ec_thread;   /* rb_execution_context_t.thread_ptr */
	__u16 thread_id;   /* 2.7: rb_thread_t.thread_id: pthread_self() */
	__u16 thread_ec;   /* rb_thread_t.ec */
	__u16 thread_vm;   /* rb_thread_t.vm */
	__u16 vm_threads;  /* 2.7: rb_vm_t.living_threads: a list through the first word of each thread */
	__u16 vm_heap;     /* rb_vm_t.objspace */
	__u16 vm_shapes;   /* 3.2: rb_vm_t.shape_list: what tells the variables of a class */
	__u16 frame_bytes; /* sizeof(rb_control_frame_t) */
	__u16 lines;       /* rb_iseq_constant_body.insns_info */
	__u16 line_bytes;  /* sizeof(struct iseq_insn_info_entry) */
	__u16 class_path;     /* 3.3: RClass: classext.classpath; 0: among the class' variables */
	__u16 class_attached; /* 3.3: RClass: classext.as.singleton_class.attached_object; likewise */
	__u8 string_length_apart; /* 3.2+: RString.len comes before both ways to hold characters */
	__u8 first_line_tagged;   /* before 3.2: a Fixnum */
	__u16 class_singleton; /* of a class: FL_SINGLETON (fl_type.h) */
	__u16 heap_flags;      /* rb_objspace.flags (gc.c, from 3.4 on gc/default/default.c) */
};

GP_LAYOUT_FITS(struct gp_ruby);

/* rb_execution_context_t (vm_core.h): vm_stack, vm_stack_size (in words), cfp. */
#define GP_RUBY_EC_BYTES 24

/* rb_control_frame_t (vm_core.h): pc, sp, iseq, self, ep; the rest differs. */
#define GP_RUBY_FRAME_BYTES 40

/* The environment below ep (vm_core.h, VM_ENV_DATA_INDEX_*): ep[-2] method entry or cref, ep[-1] outer ep, ep[0] flags. */
#define GP_RUBY_ENV_LOCAL 0x2ull         /* VM_ENV_FLAG_LOCAL: no outer one */
#define GP_RUBY_FLAG_FINISH 0x20ull      /* VM_FRAME_FLAG_FINISH: vm_exec() returns when it is popped */
#define GP_RUBY_FLAG_BMETHOD 0x40ull     /* VM_FRAME_FLAG_BMETHOD: define_method */
#define GP_RUBY_MAGIC_MASK 0x7fff0001ull /* VM_FRAME_MAGIC_* */
#define GP_RUBY_MAGIC_CFUNC 0x55550001ull
#define GP_RUBY_MAGIC_IFUNC 0x66660001ull
#define GP_RUBY_MAGIC_DUMMY 0x79990001ull

/* The control frames of a thread: VM stack sizes of up to this are looked behind (RUBY_THREAD_VM_STACK_SIZE, 1 MiB unless told). */
#define GP_RUBY_STACK_MAX (16u << 20)

/* RBasic.flags (include/ruby/ruby.h, include/ruby/internal/value_type.h, fl_type.h): type, then flags of each type. */
#define GP_RUBY_TYPE 0x1full
#define GP_RUBY_CLASS 2
#define GP_RUBY_MODULE 3
#define GP_RUBY_STRING 5
#define GP_RUBY_ARRAY 7
#define GP_RUBY_USER1 (1ull << 13)
#define GP_RUBY_NOT_EMBEDDED GP_RUBY_USER1 /* of a string: RSTRING_NOEMBED */
#define GP_RUBY_EMBEDDED GP_RUBY_USER1     /* of an array: RARRAY_EMBED_FLAG */
/* Internal objects: T_IMEMO and its kind (internal/imemo.h, before 2.7 internal.h) in one mask. */
#define GP_RUBY_IMEMO_MASK 0xf01full
#define GP_RUBY_SVAR 0x201aull
#define GP_RUBY_METHOD_ENTRY 0x601aull
#define GP_RUBY_ISEQ 0x701aull

/* rb_method_entry_t (method.h): flags, defined_class, def, called_id, owner. Definition: type, body, original_id. */
#define GP_RUBY_METHOD_DEF 16
#define GP_RUBY_METHOD_OWNER 32
#define GP_RUBY_METHOD_BYTES 40
#define GP_RUBY_DEF_ID 32
#define GP_RUBY_DEF_BYTES 40

/* rb_iseq_t.body; rb_iseq_constant_body (vm_core.h): iseq_size, iseq_encoded, location {pathobj, base_label, label,
   first_lineno}, insns_info {body, positions, size, succ_index_table}. */
#define GP_RUBY_ISEQ_BODY 16
#define GP_RUBY_BODY_SIZE 4
#define GP_RUBY_BODY_CODE 8
#define GP_RUBY_BODY_PATH 64
#define GP_RUBY_BODY_LABEL 80
#define GP_RUBY_BODY_FIRST_LINE 88
#define GP_RUBY_LINES_COUNT 16
#define GP_RUBY_LINES_INDEX 24
#define GP_RUBY_BODY_BYTES 152

/* rb_symbols_t (symbol.h; 4.0: symbol.c): last_id, str_sym (4.0: next_id, sym_set), ids: an array of arrays of 512 pairs
   {name, symbol}, by serial number. */
#define GP_RUBY_SYMBOLS_IDS 16
#define GP_RUBY_IDS_A_PART 512    /* ID_ENTRY_UNIT, symbol.c */
#define GP_RUBY_LAST_OPERATOR 171 /* up to here an ID is its own serial number, beyond it has 4 bits of kind below:
                                     tLAST_OP_ID is 168 in 2.7, 169 from 3.0 on, 170 in 3.4, 171 in 4.0 (id.h); those
                                     between are no IDs in older ones */
#define GP_RUBY_ID_SHIFT 4        /* ID_SCOPE_SHIFT, id.h */
#define GP_RUBY_ID_SCOPE 0xeull   /* ID_SCOPE_MASK; 0: local, which is what the names of hidden variables are */

#define GP_RUBY_HEAP_DURING_GC 0x20u /* rb_objspace.flags.during_gc */

/* As `object` of a frame: the garbage collector at work, instead of code. */
#define GP_RUBY_COLLECTING 1ull

/*
 * What the line table of a symbol record holds for a method written in Ruby: this, the first bytes of the index of
 * positions (struct succ_index_table, iseq.c), of the lines. For C functions only this.
 */
struct gp_ruby_lines {
	__u64 index_address;
	__u64 lines_address;
	__u32 code_size;    /* in words; how long the index is */
	__u32 count;        /* of lines */
	__u32 index_stored; /* bytes */
	__u32 lines_stored; /* bytes */
	__u16 line_bytes;   /* of each */
	__u8 is_singleton;  /* the scope is the class whose own method it is: Foo.bar, not Foo#bar */
	__u8 literal;       /* 1 + which of the literals the name is; 0: none */
	__u32 scope_bytes;
	__u64 scope_address; /* of a scope that could not be read: it lies in a page that the process has not read yet; else 0 */
};

#define GP_RUBY_INDEX_MAX 4096   /* the index of 25,000 words of code */
#define GP_RUBY_LINES_MAX 12000  /* 1,000 lines; what does not fit is read later if the process lives */
