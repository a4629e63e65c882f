/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records the kernel side writes into the ring. Included by BPF C and by C++. All sizes in bytes. */
#pragma once

#include <linux/types.h>

#include "bpf/abi/cast.h"
#include "bpf/abi/runtime.h"

#define GP_MAX_FRAMES 1024        /* user frames of one stack; the leaf end is kept */
#define GP_MAX_KERNEL_FRAMES 127  /* PERF_MAX_STACK_DEPTH, include/uapi/linux/perf_event.h */
#define GP_STACK_COPY_SIZE 131072 /* reaches the root of 96 % of a C++ compiler's stacks, of nearly all others (measured) */
#define GP_OTHER_STACK_SIZE 16384 /* of a second stack, from rbp up */

enum gp_record_type { GP_RECORD_SAMPLE = 1, GP_RECORD_STACK_COPY = 2, GP_RECORD_SYMBOL = 3 };

/* Interpreted code of a runtime: extra: where in it (the runtime's own notion), value and cookie: see GP_CODE_OBJECT. */
#define GP_FRAME_CODE(runtime) (16 + (runtime))

enum gp_frame_kind {
	GP_FRAME_NATIVE = 1, /* extra: file slot, value: file offset */
	GP_FRAME_JIT = 2,    /* code in no file: value: pc */
	GP_FRAME_END = 4,    /* a gap inside a stack: extra: enum gp_runtime whose frames are missing, value: why: enum
	                        gp_walk_end; GP_END_NO_RULE: native frames are, and that runtime's follow */
	GP_FRAME_PLACE = 5,  /* begins a runtime's run of pending frames: extra: enum gp_runtime, value: where on the C
	                        stack those up to the first entry belong; they are of the first activation of its loop
	                        whose frame reaches above it */
	GP_FRAME_NOTE = 6,   /* what a runtime is doing in the native frames below: extra: enum gp_runtime, value: enum
	                        gp_note */
	GP_FRAME_PYTHON = GP_FRAME_CODE(GP_RUNTIME_PYTHON),
	GP_FRAME_RUBY = GP_FRAME_CODE(GP_RUNTIME_RUBY),
	GP_FRAME_PHP = GP_FRAME_CODE(GP_RUNTIME_PHP),
	GP_FRAME_PERL = GP_FRAME_CODE(GP_RUNTIME_PERL),
	GP_FRAME_LUA = GP_FRAME_CODE(GP_RUNTIME_LUA),
	GP_FRAME_LUAJIT = GP_FRAME_CODE(GP_RUNTIME_LUAJIT),
};

enum gp_note {
	GP_NOTE_GARBAGE = 1, /* collects garbage */
	GP_NOTE_COMPILED,    /* runs code that it compiled, which may stand for more functions than have frames */
};

#define GP_FRAME_RETURN_ADDRESS 1 /* look up value - 1 */
#define GP_FRAME_GUESSED 2        /* its caller was found by frame pointer where no rule covered the pc */
#define GP_FRAME_ENTRY 4          /* interpreted: C code called the interpreter here, native frames follow */

struct gp_frame {
	__u8 kind;
	__u8 flags;
	__u16 cookie;
	__u32 extra;
	__u64 value;
};

#define GP_PLACE_UNKNOWN 0ull /* the innermost activation's, as far as is known */
#define GP_PLACE_OUTER (~0ull) /* the innermost activation has none */

/*
 * An interpreted frame names its code object by address and by a 32-bit cookie made from what is in it, so that an address
 * used again is told apart. User addresses have 47 bits (x86-64, four level page tables; five level ones are only
 * used by programs that ask for them), so the cookie's high half travels above the address.
 */
#define GP_CODE_VALUE(object, cookie) (GP_CAST(__u64, object) | GP_CAST(__u64, (cookie) >> 16) << 48)
#define GP_CODE_OBJECT(value) ((value) & 0xffffffffffffull)
#define GP_CODE_COOKIE(value, low) (GP_CAST(__u32, (value) >> 48) << 16 | GP_CAST(__u32, low))

/* How a walk ended. */
enum gp_walk_end {
	GP_END_NONE = 0, /* still walking */
	GP_END_ROOT,
	GP_END_KERNEL_THREAD,  /* no user part: kernel thread, or address space already gone */
	GP_END_DEPTH,          /* GP_MAX_FRAMES */
	GP_END_NO_RULE,        /* no rule, and no usable frame pointer */
	GP_END_STACK_READ,     /* the user stack could not be read */
	GP_END_NO_PROCESS,     /* miss: the agent has not told us of this process */
	GP_END_NO_MAPPING,     /* miss: pc in no mapping we know */
	GP_END_PAGE_MISSING,   /* miss: rows not loaded */
	GP_END_PAGE_UNREADABLE,
	GP_END_IN_EXEC,
	GP_END_COMPAT32,
	GP_END_RUNTIME_READ,   /* interpreter memory could not be read */
	GP_END_RUNTIME_NOT_LOADED,
	GP_END_NO_PROGRESS,    /* the stack pointer did not grow */
	GP_END_COUNT
};

#define GP_SAMPLE_HAS_COPY 1 /* a GP_RECORD_STACK_COPY with the same cpu and sequence follows */
#define GP_SAMPLE_GUESSED 2  /* some frame is a guess */
#define GP_SAMPLE_IN_KERNEL 4 /* interrupted in the kernel */

struct gp_record_header {
	__u32 type; /* enum gp_record_type */
	__u32 size; /* of the whole record */
};

/*
 * Followed by user_frames struct gp_frame, leaf first, then kernel_frames __u64 addresses, leaf first. When the walk
 * ended in a miss, the last `pending_frames` of the user frames are the interpreters', read at the same moment but
 * not yet interleaved, one run a runtime: whoever walks the stack copy takes them at each loop of theirs it meets, up
 * to an entry.
 */
struct gp_sample {
	struct gp_record_header header;
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 start_ticks;
	__u32 pid;
	__u32 tid;
	__u32 cpu;
	__u32 sequence; /* counts samples of this cpu */
	__u64 tick_ns; /* between two ticks of the sampler when this one came */
	__u16 user_frames;
	__u16 kernel_frames;
	__u16 end; /* enum gp_walk_end */
	__u16 flags;
	__u64 miss; /* the pc that could not be handled, 0 for none */
	__u64 thread_pointer; /* as the thread's own pthread_self() is; 0: not known */
	__u32 pending_frames;
	__u32 sessions; /* who takes it, and into which of two banks: see GP_SAMPLE_BANK_SHIFT in sessions.h */
	char comm[16]; /* of the thread */
};

/* Registers by DWARF number: x86-64 rax rdx rcx rbx rsi rdi rbp rsp r8-r15 rip (System V psABI, figure 3.36). */
#define GP_REGS 17
#define GP_REG_RDI 5
#define GP_REG_RBP 6
#define GP_REG_RSP 7
#define GP_REG_RIP 16
#define GP_REGS_ALL 0x1ffffu
#define GP_REGS_CALLEE_SAVED ((1u << 3) | (1u << 6) | (1u << 12) | (1u << 13) | (1u << 14) | (1u << 15))

struct gp_registers {
	__u64 value[GP_REGS];
	__u32 valid;      /* bit n: value[n] is known */
	__u32 is_return;  /* value[GP_REG_RIP] is a return address */
};

/* From the stack pointer up; a second one of the same cpu and sequence: where rbp points on another stack, or behind a hole. */
struct gp_stack_copy {
	struct gp_record_header header;
	__u32 cpu;
	__u32 sequence;
	struct gp_registers registers; /* at the miss */
	__u64 thread_pointer;
	__u64 base; /* address of the first byte */
	__u32 bytes;
	__u32 reserved;
	/* `bytes` of user stack from base up follow */
};

/*
 * Name of an interpreter's object, ahead of the first sample that has it: at least once per (process, object,
 * cookie), again when the table of those already shipped is too small or when something could not be read.
 */
#define GP_SYMBOL_NAME_MAX 512
#define GP_SYMBOL_TABLE_MAX 16384 /* a function of some 2,000 lines; of longer ones the first lines are known */

#define GP_TEXT_UTF8 8 /* bytes as they are, meant to be UTF-8 */

struct gp_symbol_text {
	__u32 bytes; /* stored, at most GP_SYMBOL_NAME_MAX */
	__u8 width;  /* bytes per character (latin-1, UCS-2, UCS-4) or GP_TEXT_UTF8; 0: could not be read, or there is none */
	__u8 ascii;
	__u16 truncated;
};

/* Followed by the name's, the file's, the scope's and the line table's bytes, without gaps. */
struct gp_symbol {
	struct gp_record_header header;
	__u64 start_ticks;
	__u32 pid;
	__u32 runtime; /* enum gp_runtime */
	__u64 object;
	__u32 cookie;
	__u32 first_line;
	struct gp_symbol_text name;
	struct gp_symbol_text file;
	struct gp_symbol_text scope; /* class, package or module the name lies in, where the name does not say it */
	__u64 table_address; /* of its first byte in the process */
	__u32 table_bytes;   /* whole length there */
	__u32 table_stored;  /* bytes that follow, at most GP_SYMBOL_TABLE_MAX */
	__u32 table_format;  /* of the table and of frames' `extra`: the runtime's own notion */
	__u32 reserved;
};

/* Room for the longest. */
struct gp_symbol_record {
	struct gp_symbol symbol;
	__u8 bytes[3 * GP_SYMBOL_NAME_MAX + GP_SYMBOL_TABLE_MAX];
};

/* What one CPU did; read by the agent through a mapping. Only ever grows. */
struct gp_counters {
	__u64 runs;      /* of the sampling program, on something other than the idle task */
	__u64 unwanted;  /* of those: no session takes it */
	__u64 taken;     /* of those: a sample was taken */
	__u64 ring_full; /* samples that found no room */
	__u64 copies;    /* stack copies shipped */
	__u64 copies_refused; /* misses whose stack was not copied: over the rate, or no room */
	__u64 symbols;   /* symbol records shipped */
	__u64 copy_window; /* bytes copied in the running tenth of a second */
	__u64 copy_window_ns;
	__u64 reserved[7];
};

#ifdef __cplusplus
static_assert(sizeof(gp_frame) == 16);
static_assert(sizeof(gp_sample) == 96);
#else
_Static_assert(sizeof(struct gp_frame) == 16, "two words a frame");
_Static_assert(sizeof(struct gp_sample) == 96, "shared layout");
#endif
