/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Where the code that PCRE2 compiles returns to; src/runtimes/pcre fills it. */
#pragma once

#include "bpf/abi/runtime.h"

#define GP_PCRE_SITES 8

struct gp_pcre {
	__u64 sites[GP_PCRE_SITES]; /* addresses behind the calls of a compiled pattern, 0: none */
};

GP_LAYOUT_FITS(struct gp_pcre);
