/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the Ruby unwinder remembers from turn to turn: the control frames and the C activation at hand. */
#pragma once

#include "bpf/abi/ruby.h"

enum gp_ruby_state {
	GP_RUBY_SEARCHING, /* 2.7: `thread` is the next to look at */
	GP_RUBY_READY,     /* `frame` is the next control frame */
};

struct gp_ruby_walk {
	__u32 state; /* enum gp_ruby_state */
	__u32 turns;
	__u64 thread;
	__u64 last_thread;
	__u64 frame;
	__u64 end;      /* of the control frames: the oldest lies below it */
	__u64 ec;       /* the thread's execution context */
	__u64 at;       /* control frame the activation at hand is in, 0: not known */
	__u32 inside;   /* an activation is at hand */
	__u32 compiled; /* it is of code that YJIT made */
	__u32 reserved;
	__u32 pushed;   /* frames pushed for it */
	__u64 shipped;     /* address of what is to be shipped: of a method's body or a C function's definition */
	__u64 id;          /* and, of the latter, its name and its method entry */
	__u64 entry;
	__u32 cookie;
	__u32 reserved2;
	__u64 environment; /* looked through for a method: the next */
	__u64 method;      /* found in one, or 0 */
	__u64 variable;    /* of a class: the next to look at; 3.2: the shapes of all objects */
	__u64 variables;   /* left; 3.2: the next shape to look at */
	__u64 values;      /* 3.2: what the variables hold */
	__u64 hidden;      /* what was found among them, or 0 */
	__u64 want_class;  /* what is looked for is a class, else a string */
	struct gp_ruby_lines lines; /* of the symbol that is shipped: too much for the BPF stack */
};
