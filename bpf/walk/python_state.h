/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the Python unwinder remembers from turn to turn: the search, the chain, and the C activation at hand. */
#pragma once

#include <linux/types.h>

enum gp_python_state {
	GP_PYTHON_CACHED,    /* `thread` is the thread's last one, to be checked */
	GP_PYTHON_SEARCHING, /* `thread` is the next to look at */
	GP_PYTHON_READY,     /* `frame` is the next interpreter frame */
};

struct gp_python_walk {
	__u32 state; /* enum gp_python_state */
	__u32 turns;
	__u64 interpreter; /* whose threads are being searched; then the thread's own */
	__u64 thread;
	__u64 candidate;   /* this thread's, but not active */
	__u64 frame;
	__u64 first;       /* where the innermost activation's frames begin */
	__u64 outer;       /* where those of the activation above it begin */
	__u64 depth;       /* 3.11, 3.12: how far the _PyCFrame of an activation is below where its stack frame ends */
	__u32 pushed;      /* frames pushed for the activation at hand */
	__u32 checked;     /* the innermost activation is behind us */
	__u32 outer_known;
	__u32 reserved;

	/* Before 3.11: the search for a code object's qualified name, see python_scope.h. */
	__u64 code;
	__u64 name;
	__u64 self;        /* first argument, or the class that is being looked at */
	__u64 dict;        /* of the class at hand */
	__u64 function;    /* found */
	__u64 owner;       /* 2.7: name of the class it was found in */
	__u64 entries;     /* of that dictionary: the next to look at */
	__u64 entries_left;
};
