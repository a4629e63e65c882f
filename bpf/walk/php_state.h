/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the PHP unwinder remembers from turn to turn: the chain of calls, and the C activation at hand. */
#pragma once

#include <linux/types.h>

struct gp_php_walk {
	__u64 call;      /* the next zend_execute_data */
	__u64 live;      /* the one the activation at hand says it executes, 0: not known */
	__u64 opline;    /* and its instruction, 0: not known */
	__u64 generator; /* whose delegation is being listed, 0: none */
	__u64 inner;     /* the generator its next one delegates to, 0: yet to be found */
	__u64 retreat;   /* `call` behind the first entry when `live` was not met up to there, 0: it was */
	__u64 function;   /* to be shipped, */
	__u64 class_name; /* the name of its class, 0: none, */
	__u32 cookie;
	__u32 is_user;    /* and whether it is written in PHP */
	__u32 retreat_frames;
	__u32 turns;
	__u32 in_activation; /* its registers were looked at */
	__u32 pushed;    /* frames pushed for the activation at hand */
	__u32 compiled;  /* it executes compiled code, which does not say where it is */
	__u32 in_fiber;  /* native code ended where a fiber's stack does: no gap, the calls go on with who resumed it */
};
