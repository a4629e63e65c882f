/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * State of one walk. Too big for the BPF stack: it lives in a map (one slot per CPU) or, natively, wherever the
 * driver puts it. A walk is a loop over gp_step() (step.h), which makes one frame a turn.
 */
#pragma once

#include "bpf/walk/platform.h"

/* What a sample becomes in the ring; written in place while walking. */
struct gp_sample_record {
	struct gp_sample sample;
	struct gp_frame frames[GP_MAX_FRAMES];
	__u64 kernel[GP_MAX_KERNEL_FRAMES + 1];
};

/* Turns a walk can take: each frame may need one more turn to change hands between interpreter and C. */
#define GP_MAX_STEPS (2 * GP_MAX_FRAMES)

enum gp_unwinder { GP_UNWIND_NATIVE = 0, GP_UNWIND_PYTHON = 1 };

/* Bytes of the user stack read at once; serves several frames (512 measured best, docs/performance.md). */
#define GP_WINDOW_BYTES 512
#define GP_WINDOW_WORDS (GP_WINDOW_BYTES / 8)

/* Largest part of an interpreter's object that is read at once. */
#define GP_OBJECT_BYTES 256

enum gp_python_state {
	GP_PYTHON_UNTRIED = 0,
	GP_PYTHON_CACHED,    /* python_thread is the thread's last one, to be checked */
	GP_PYTHON_SEARCHING, /* python_thread is the next to look at */
	GP_PYTHON_READY,     /* python_frame is the next interpreter frame */
	GP_PYTHON_DONE,      /* the chain has ended or could not be read */
};

/* What becomes of the interpreter loop's C frame, set when the interpreter hands it back to the native step. */
enum gp_pass_eval {
	GP_EVAL_UNSEEN = 0, /* no C frame was handed back: a pc in the loop is the interpreter's */
	GP_EVAL_HIDE,       /* its Python frames are out and stand for it */
	GP_EVAL_SHOW,       /* it has none (yet, or any more) */
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
	__u32 runtime; /* enum gp_runtime when pc is in its interpreter loop */
	struct gp_rule rule;
};

struct gp_walk {
	struct gp_sample_record record;

	/* The frame to be handled next. */
	struct gp_registers registers;
	__u32 unwinder; /* enum gp_unwinder */
	__u32 frames;   /* frames in record so far */
	__u32 end;      /* enum gp_walk_end */
	__u32 guessed;  /* some frame so far is a guess */
	__u32 pass_eval; /* enum gp_pass_eval */
	__u32 retries;

	/* The process. */
	__u32 pid;
	__u32 bucket; /* where in the process table, to check `mappings` again */
	__u32 entry;
	__u32 python; /* 1 + index, 0: none */
	__u64 mappings;
	__u64 thread_pointer;
	__u64 start_ticks;

	/* The mapping met last, and what a full lookup of a pc found. */
	struct gp_mapping mapping;
	struct gp_cache_entry found;

	/* Stack window. */
	__u64 window_base;
	__u32 window_bytes; /* 0: nothing read yet */
	__u32 drain;        /* after a miss: read the interpreter's frames only */
	__u64 window[GP_WINDOW_WORDS];

	/* Interpreter: state of the search, of the chain, and of the C activation at hand. python_state is reset by
	   whoever begins a walk, the rest when the search begins. */
	__u64 python_interpreter; /* whose threads are being searched */
	__u64 python_thread;
	__u64 python_candidate;   /* this thread's, but not active */
	__u64 python_frame;
	__u64 python_first;       /* where the innermost activation's frames begin */
	__u64 python_outer;       /* where those of the activation above it begin */
	__u32 python_pushed;      /* frames pushed for the activation at hand */
	__u32 python_checked;     /* the innermost activation is behind us */
	__u32 python_outer_known;
	__u32 python_place;       /* draining: index of the GP_FRAME_PLACE, valid until python_checked */
	__u32 python_turns;
	__u32 python_state; /* enum gp_python_state */
	__u32 scratch;      /* index of this state, see GP_PART */
	__u8 object[GP_OBJECT_BYTES] __attribute__((aligned(8)));
	__u64 context[GP_REGS]; /* registers of a signal frame, in the kernel's order */
};
