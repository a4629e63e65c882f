/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One step of a walk: whoever unwinds the code at hand makes the next frame. A new runtime adds its case here. */
#pragma once

#include "bpf/walk/lua.h"
#include "bpf/walk/luajit.h"
#include "bpf/walk/native.h"
#include "bpf/walk/perl.h"
#include "bpf/walk/php.h"
#include "bpf/walk/python.h"
#include "bpf/walk/ruby.h"

GP_PART_OF(GP_RUNTIME_PYTHON, gp_python_step)
GP_PART_OF(GP_RUNTIME_RUBY, gp_ruby_step)
GP_PART_OF(GP_RUNTIME_PHP, gp_php_step)
GP_PART_OF(GP_RUNTIME_PERL, gp_perl_step)
GP_PART_OF(GP_RUNTIME_LUA, gp_lua_step)
GP_PART_OF(GP_RUNTIME_LUAJIT, gp_luajit_step)

/* The runtime at hand makes the next frame. */
GP_INLINE int gp_interpreter_step(struct gp_walk *w)
{
	switch (w->unwinder) {
#define GP_STEP_OF(runtime, name) \
	case runtime:                   \
		if (gp_is_walked(runtime))    \
			return GP_CALL(name, w);    \
		break;
		GP_STEP_OF(GP_RUNTIME_PYTHON, gp_python_step)
		GP_STEP_OF(GP_RUNTIME_RUBY, gp_ruby_step)
		GP_STEP_OF(GP_RUNTIME_PHP, gp_php_step)
		GP_STEP_OF(GP_RUNTIME_PERL, gp_perl_step)
		GP_STEP_OF(GP_RUNTIME_LUA, gp_lua_step)
		GP_STEP_OF(GP_RUNTIME_LUAJIT, gp_luajit_step)
#undef GP_STEP_OF
	}
	return gp_fail_runtime(w, w->unwinder, GP_END_RUNTIME_NOT_LOADED);
}

/* 0: go on, 1: the walk is over and w->end says how. */
GP_INLINE int gp_step(struct gp_walk *w)
{
	if (w->frames >= GP_MAX_FRAMES)
		return gp_finish(w, GP_END_DEPTH);
	if (w->drain && gp_is_done(w, w->unwinder))
		return gp_drain_next(w);
	return w->unwinder ? gp_interpreter_step(w) : gp_native_step(w);
}

/* Makes the steps to come read all that runtimes still have, and nothing else; w->end is to be kept by the caller. */
GP_INLINE void gp_begin_drain(struct gp_walk *w, enum gp_drain drain)
{
	w->drain = drain;
	w->unwinder = GP_RUNTIME_NONE;
	w->done |= 1u << GP_RUNTIME_NONE;
}
