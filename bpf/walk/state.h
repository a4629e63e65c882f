/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * State of one walk. Too big for the BPF stack: it lives in a map (one slot per CPU) or, natively, wherever the
 * driver puts it. A walk is a loop over gp_step() (step.h), which makes one frame a turn.
 */
#pragma once

#include "bpf/walk/platform.h"
#include "bpf/walk/lua_state.h"
#include "bpf/walk/luajit_state.h"
#include "bpf/walk/perl_state.h"
#include "bpf/walk/php_state.h"
#include "bpf/walk/python_state.h"
#include "bpf/walk/ruby_state.h"

/* What a sample becomes in the ring; written in place while walking. */
struct gp_sample_record {
	struct gp_sample sample;
	struct gp_frame frames[GP_MAX_FRAMES];
	__u64 kernel[GP_MAX_KERNEL_FRAMES + 1];
};

/* Turns a walk can take: each frame may need one more turn to change hands between interpreter and C. */
#define GP_MAX_STEPS (2 * GP_MAX_FRAMES)

/* Bytes of the user stack read at once; serves several frames (512 measured best, docs/performance.md). */
#define GP_WINDOW_BYTES 512
#define GP_WINDOW_WORDS (GP_WINDOW_BYTES / 8)

/* Largest part of an interpreter's object that is read at once. */
#define GP_OBJECT_BYTES 256

/* What becomes of the interpreter loop's C frame, set when the interpreter hands it back to the native step. */
enum gp_pass_eval {
	GP_EVAL_UNSEEN = 0, /* no C frame was handed back: a pc in the loop is the interpreter's */
	GP_EVAL_HIDE,       /* its interpreted frames are out and stand for it */
	GP_EVAL_SHOW,       /* it has none (yet, or any more) */
};

/* Native frames are not walked (any more); the interpreters' are read all the same. */
enum gp_drain {
	GP_DRAIN_NOT = 0,
	GP_DRAIN_FOR_LATER, /* after a miss: as runs to be put between the native frames, each behind a GP_FRAME_PLACE */
	GP_DRAIN_BEHIND,    /* they cannot be had: behind those there are, and a GP_FRAME_END that says so */
};

/* What is known of one pc; cached per CPU. Valid while both words are what they were. */
struct gp_cache_entry {
	__u64 pc;
	__u64 mappings;
	__u64 page_word;
	__u64 offset; /* file offset of pc */
	__u32 pid;
	__u32 file;
	__u32 page;    /* index into the page directory */
	__u32 runtime; /* enum gp_runtime when pc is in its interpreter loop or in code it generated */
	struct gp_rule rule;
};

struct gp_walk {
	struct gp_sample_record record;

	/* The frame to be handled next. */
	struct gp_registers registers;
	__u32 unwinder; /* enum gp_runtime: who makes the next frame; 0: native */
	__u32 begun;    /* bit n: runtime n has set up what it remembers */
	__u32 done;     /* bit n: nothing more is to be had from runtime n */
	__u32 frames;   /* frames in record so far */
	__u32 end;      /* enum gp_walk_end */
	__u32 guessed;  /* some frame so far is a guess */
	__u32 pass_eval; /* enum gp_pass_eval */
	__u32 retries;

	/* The process. */
	__u32 pid;
	__u32 table_pid; /* whose entry of the process table is used: its own, or its parent's when it was just forked */
	__u32 bucket;    /* where that is, to check `mappings` again */
	__u32 entry;
	__u16 runtime[GP_RUNTIME_SLOTS] __attribute__((aligned(8))); /* as in struct gp_process */
	__u64 mappings;
	__u64 thread_pointer;
	__u64 start_ticks;

	/* The mapping met last, and what a full lookup of a pc found. */
	struct gp_mapping mapping;
	struct gp_cache_entry found;

	/* Stack window. */
	__u64 window_base;
	__u32 window_bytes; /* 0: nothing read yet */
	__u32 drain;        /* enum gp_drain: read the interpreters' frames only */
	__u32 place;        /* draining: index of the GP_FRAME_PLACE of the runtime at hand */
	__u32 scratch;      /* index of this state, see GP_PART */
	__u64 window[GP_WINDOW_WORDS];

	/* What each runtime remembers from turn to turn, once `begun`. */
	struct gp_python_walk python;
	struct gp_ruby_walk ruby;
	struct gp_php_walk php;
	struct gp_perl_walk perl;
	struct gp_lua_walk lua;
	struct gp_luajit_walk luajit;

	/* Scratch of one turn. */
	__u8 object[GP_OBJECT_BYTES] __attribute__((aligned(8)));
	__u64 context[GP_REGS]; /* registers of a signal frame, in the kernel's order; heads of Ruby's objects */
};
