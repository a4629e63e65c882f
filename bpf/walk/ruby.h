/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Ruby 2.7 to 4.0: one control frame a turn, handed over to native code where C called the interpreter. Layouts and
 * flags: bpf/abi/ruby.h; where they come from: src/runtimes/ruby.
 *
 * The control frames of a thread (or fiber) lie in one array, the newest at the lowest address. Every C activation of
 * the loop (vm_exec_core) owns a run of them, down to one marked FINISH; a C function called by the loop has a control
 * frame of its own, newer than its caller's, and no activation. The loop keeps the control frame it is in in r15 and
 * the instruction in r14 (vm_exec.c: DECL_SC_REG), which the native walk brings back: so a frame that C has pushed
 * before it entered the loop, or has not popped yet after it left, is not taken for that of another activation.
 */
#pragma once

#include "bpf/walk/frames.h"
#include "bpf/walk/ruby_symbol.h"
#include "bpf/walk/thread_variable.h"

#define GP_RUBY_FRAME_TURNS (4 * GP_MAX_FRAMES) /* ends walks; some control frames have nothing to show */
#define GP_RUBY_THREAD_STEPS 16                 /* threads looked at in one turn */
#define GP_RUBY_THREAD_TURNS 64                 /* 1,024 threads in all */
#define GP_RUBY_NO_THREAD 1ull                  /* in place of one that cannot be read */
#define GP_RUBY_REG_FRAME 15
/* Code made by YJIT keeps the execution context in r12 and the control frame in r13, and pushes the caller's r13, r12
   and rbx when it is entered from C; its calls of Ruby methods push nothing (3.1: yjit_core.h, yjit_codegen.c:
   yjit_entry_prologue; 3.3 and 3.4: yjit/src/codegen.rs: gen_entry_prologue, backend/x86_64/mod.rs). With --yjit-perf
   it pushes rbp twice before those (FrameSetup). While it calls C it may have pushed more: registers of its own around
   calls into the compiler, an array (cpush, cpush_all). */
#define GP_RUBY_REG_COMPILED_EC 12
#define GP_RUBY_REG_COMPILED_FRAME 13
#define GP_RUBY_COMPILED_WORDS 16 /* of the stack: its return address is among them */
#define GP_RUBY_COMPILED_SAVED 3

/* The thread's execution context is found: its frames come next. */
GP_INLINE int gp_ruby_start(struct gp_walk *w, const struct gp_ruby *ruby, __u64 ec)
{
	__u64 stack[3]; /* vm_stack, vm_stack_size, cfp */

	if (!ec || gp_read_user(w, stack, sizeof(stack), ec))
		return gp_fail_runtime(w, GP_RUNTIME_RUBY, GP_END_RUNTIME_READ);
	w->ruby.state = GP_RUBY_READY;
	w->ruby.turns = 0;
	w->ruby.ec = ec;
	w->ruby.frame = stack[2];
	w->ruby.end = stack[0] + 8 * stack[1];
	if (stack[2] < stack[0] || stack[2] > w->ruby.end || (stack[2] & 7))
		return gp_fail_runtime(w, GP_RUNTIME_RUBY, GP_END_RUNTIME_READ);

	__u64 thread = 0, vm = 0, heap = 0;
	__u32 flags = 0;

	if (gp_read_user(w, &thread, 8, ec + ruby->ec_thread) || gp_read_user(w, &vm, 8, thread + ruby->thread_vm) ||
	    gp_read_user(w, &heap, 8, vm + ruby->vm_heap) || gp_read_user(w, &flags, 4, heap + ruby->heap_flags) ||
	    !(flags & GP_RUBY_HEAP_DURING_GC))
		return 0;
	gp_ruby_ship_collector(w);
	return !gp_push_code(w, GP_RUNTIME_RUBY, 0, GP_RUBY_COLLECTING, 0, 0);
}

/* 3.0+: every native thread has its own pointer; none in a thread that is not Ruby's. */
GP_INLINE int gp_ruby_begin_tls(struct gp_walk *w, const struct gp_ruby *ruby)
{
	__u64 place, ec = 0;

	if (gp_find_thread_variable(w, &ruby->context, &place))
		return gp_fail_runtime(w, GP_RUNTIME_RUBY, GP_END_RUNTIME_READ);
	if (!place || gp_read_user(w, &ec, 8, place) || !ec)
		return gp_end_of_runtime(w, GP_RUNTIME_RUBY, GP_EVAL_SHOW);
	return gp_ruby_start(w, ruby, ec);
}

/* 2.7: the execution context of a thread, if it is the one that runs here. */
GP_INLINE __u64 gp_ruby_context_of(struct gp_walk *w, const struct gp_ruby *ruby, __u64 thread)
{
	__u64 id = 0, ec = 0;

	if (!thread || gp_read_user(w, &id, 8, thread + ruby->thread_id) || id != w->thread_pointer ||
	    gp_read_user(w, &ec, 8, thread + ruby->thread_ec))
		return 0;
	return ec;
}

/* 2.7: the thread that has the lock, else the one found last time, else all of them in turn. */
GP_INLINE int gp_ruby_begin_list(struct gp_walk *w, const struct gp_ruby *ruby)
{
	__u64 *cached = gp_thread_cache(w, GP_RUNTIME_RUBY);
	__u64 ec = 0, thread = 0, vm = 0;

	if (gp_read_user(w, &ec, 8, ruby->current) == 0 && ec && gp_read_user(w, &thread, 8, ec + ruby->ec_thread) == 0 &&
	    gp_ruby_context_of(w, ruby, thread))
		return gp_ruby_start(w, ruby, ec);
	ec = cached ? gp_ruby_context_of(w, ruby, *cached) : 0;
	if (ec)
		return gp_ruby_start(w, ruby, ec);
	if (gp_read_user(w, &vm, 8, ruby->vm) || !vm || gp_read_user(w, &thread, 8, vm + ruby->vm_threads))
		return gp_end_of_runtime(w, GP_RUNTIME_RUBY, GP_EVAL_SHOW);
	w->ruby.state = GP_RUBY_SEARCHING;
	w->ruby.thread = thread;
	w->ruby.last_thread = vm + ruby->vm_threads;
	return 0;
}

/* One thread. 1: it was the last, or is the one that runs here, or cannot be read. */
GP_INLINE int gp_ruby_look_at_thread(struct gp_walk *w)
{
	const struct gp_ruby *ruby = (const struct gp_ruby *)gp_layout_of(w, GP_RUNTIME_RUBY);
	__u64 thread = w->ruby.thread;

	if (!ruby || !thread || thread == w->ruby.last_thread) {
		w->ruby.thread = 0;
		return 1;
	}
	w->ruby.ec = gp_ruby_context_of(w, ruby, thread);
	if (w->ruby.ec)
		return 1;
	if (gp_read_user(w, &w->ruby.thread, 8, thread) == 0)
		return 0;
	w->ruby.thread = GP_RUBY_NO_THREAD;
	return 1;
}

GP_TURN(gp_ruby_look_at_thread)

GP_INLINE int gp_ruby_search(struct gp_walk *w, const struct gp_ruby *ruby)
{
	w->ruby.ec = 0;
	GP_LOOP(gp_ruby_look_at_thread, w, GP_RUBY_THREAD_STEPS);
	if (w->ruby.ec) {
		__u64 *cached = gp_thread_cache(w, GP_RUNTIME_RUBY);

		if (cached)
			*cached = w->ruby.thread;
		return gp_ruby_start(w, ruby, w->ruby.ec);
	}
	if (!w->ruby.thread)
		return gp_end_of_runtime(w, GP_RUNTIME_RUBY, GP_EVAL_SHOW);
	if (w->ruby.thread == GP_RUBY_NO_THREAD || ++w->ruby.turns > GP_RUBY_THREAD_TURNS)
		return gp_fail_runtime(w, GP_RUNTIME_RUBY, GP_END_RUNTIME_READ);
	return 0; /* goes on in the next turn */
}

GP_INLINE int gp_ruby_begin(struct gp_walk *w, const struct gp_ruby *ruby)
{
	w->ruby.turns = 0;
	w->ruby.inside = 0;
	w->ruby.compiled = 0;
	w->ruby.pushed = 0;
	return ruby->current ? gp_ruby_begin_list(w, ruby) : gp_ruby_begin_tls(w, ruby);
}

/* C code called compiled code from here. */
GP_INLINE int gp_ruby_is_caller(const struct gp_ruby *ruby, __u64 address)
{
	return address - ruby->code_start < ruby->code_end - ruby->code_start;
}

/*
 * Compiled code that was interrupted while it saved or restored registers: what it has in them is C code's, or that of an
 * activation farther out. How many of r13, r12 and rbx are on the stack, above the return address; more: it is elsewhere.
 * The instructions: push and pop of each, mov %rdi, %r12 and mov %rsi, %r13 (before which all are saved), ret.
 */
GP_INLINE __u32 gp_ruby_saved_at_edge(struct gp_walk *w, const struct gp_ruby *ruby)
{
	const __u64 *stack = (const __u64 *)w->object;
	__u32 saved = GP_RUBY_COMPILED_SAVED + 1;
	__u64 code = 0;

	if (w->registers.is_return || gp_read_user(w, &code, 8, w->registers.value[GP_REG_RIP]) ||
	    gp_read_user(w, w->object, 8 * (GP_RUBY_COMPILED_SAVED + 1), w->registers.value[GP_REG_RSP]))
		return saved;
	if ((__u16)code == 0x5541 || (__u8)code == 0xc3)
		saved = 0;
	else if ((__u16)code == 0x5441 || (__u16)code == 0x5d41)
		saved = 1;
	else if ((__u8)code == 0x53 || (__u16)code == 0x5c41)
		saved = 2;
	else if ((code & 0xffffff) == 0xfc8949 || (code & 0xffffff) == 0xf58949)
		saved = 3;
	return saved <= GP_RUBY_COMPILED_SAVED && gp_ruby_is_caller(ruby, stack[saved & 3]) ? saved : GP_RUBY_COMPILED_SAVED + 1;
}

/* Likewise, makes the registers those of the C code that called. */
GP_INLINE void gp_ruby_leave_edge(struct gp_walk *w, __u32 saved)
{
	__u64 *value = w->registers.value;
	const __u64 *stack = (const __u64 *)w->object; /* ends with …, rbx, r12, r13, return address */

	if (saved > 2)
		value[3] = stack[0];
	if (saved > 1)
		value[GP_RUBY_REG_COMPILED_EC] = stack[(saved - 2) & 1];
	if (saved > 0)
		value[GP_RUBY_REG_COMPILED_FRAME] = stack[(saved - 1) & 3];
	value[GP_REG_RIP] = stack[saved & 3];
	value[GP_REG_RSP] += 8 * (saved + 1);
	w->registers.is_return = 1;
}

/* Makes the registers those of the C code that entered compiled code. What becomes of the frame that was left. */
GP_INLINE enum gp_pass_eval gp_ruby_leave_compiled(struct gp_walk *w, const struct gp_ruby *ruby)
{
	__u64 *value = w->registers.value;
	const __u64 *saved = (const __u64 *)w->object; /* …, rbx, r12, r13, return address */
	__u32 at = GP_RUBY_COMPILED_SAVED, first;

	if (gp_read_user(w, w->object, 8 * GP_RUBY_COMPILED_WORDS, value[GP_REG_RSP]))
		return GP_EVAL_SHOW;
	while (at < GP_RUBY_COMPILED_WORDS && !gp_ruby_is_caller(ruby, saved[at]))
		at++;
	if (at >= GP_RUBY_COMPILED_WORDS)
		return GP_EVAL_SHOW;
	first = at - GP_RUBY_COMPILED_SAVED;
	/* r12 and r13 of C code are never the same value; rbp and rbp are. */
	if (first >= 2 && saved[at - 1] == saved[at - 2]) {
		first -= 2;
		value[GP_REG_RBP] = saved[at - 1];
		w->registers.valid |= 1u << GP_REG_RBP;
	}
	first = GP_BOUND(first, GP_RUBY_COMPILED_WORDS - 1); /* w->object has twice as many words */
	value[3] = saved[first];
	value[GP_RUBY_REG_COMPILED_EC] = saved[first + 1];
	value[GP_RUBY_REG_COMPILED_FRAME] = saved[first + 2];
	value[GP_REG_RIP] = saved[GP_BOUND(at, GP_RUBY_COMPILED_WORDS - 1)];
	value[GP_REG_RSP] += 8 * (at + 1);
	w->registers.valid |= 1u << 3 | 1u << GP_RUBY_REG_COMPILED_EC | 1u << GP_RUBY_REG_COMPILED_FRAME;
	w->registers.is_return = 1;
	return GP_EVAL_UNSEEN;
}

/* What becomes of the C frame (or compiled one) of the activation at hand, which has no more frames. */
GP_INLINE enum gp_pass_eval gp_ruby_close(struct gp_walk *w, const struct gp_ruby *ruby)
{
	enum gp_pass_eval pass = w->ruby.pushed ? GP_EVAL_HIDE : GP_EVAL_SHOW;

	if (w->ruby.compiled)
		pass = gp_ruby_leave_compiled(w, ruby);
	w->ruby.inside = 0;
	w->ruby.compiled = 0;
	w->ruby.pushed = 0;
	return pass;
}

/* The activation at hand has no more frames: native code goes on. */
GP_INLINE int gp_ruby_leave(struct gp_walk *w, const struct gp_ruby *ruby)
{
	if (w->ruby.pushed)
		w->record.frames[GP_BOUND(w->frames - 1, GP_MAX_FRAMES - 1)].flags |= GP_FRAME_ENTRY;
	return gp_hand_back(w, gp_ruby_close(w, ruby));
}

/* The control frame in a register, 0 when it holds none. */
GP_INLINE __u64 gp_ruby_frame_in(struct gp_walk *w, const struct gp_ruby *ruby, __u32 number)
{
	__u64 at = w->registers.value[number];

	if (!(w->registers.valid & (1u << number)) || at >= w->ruby.end || w->ruby.end - at > (1u << 30) ||
	    (w->ruby.end - at) % ruby->frame_bytes)
		return 0;
	return at;
}

/* Meets compiled code that has no control frames, or those of its caller. 1: it was left. */
GP_INLINE int gp_ruby_pass_edge(struct gp_walk *w, const struct gp_ruby *ruby)
{
	if (w->ruby.inside || w->drain || w->found.file != GP_NO_FILE)
		return 0;

	__u32 saved = gp_ruby_saved_at_edge(w, ruby);

	if (saved > GP_RUBY_COMPILED_SAVED)
		return 0;
	gp_ruby_leave_edge(w, saved);
	return 1;
}

/* Meets an activation of the loop, or of compiled code. 1: its control frames are not there (yet, or any more). */
GP_INLINE int gp_ruby_enter(struct gp_walk *w, const struct gp_ruby *ruby)
{
	w->ruby.inside = 1;
	w->ruby.at = 0;
	if (w->drain)
		return 0;
	if (w->found.file == GP_NO_FILE) {
		/* Code that something else made has other things in these registers. */
		w->ruby.at = gp_ruby_frame_in(w, ruby, GP_RUBY_REG_COMPILED_FRAME);
		w->ruby.compiled = w->ruby.at && w->registers.valid & (1u << GP_RUBY_REG_COMPILED_EC) &&
				   w->registers.value[GP_RUBY_REG_COMPILED_EC] == w->ruby.ec;
		return !w->ruby.compiled || w->ruby.frame > w->ruby.at;
	}
	/* 0 as long as the loop has not set it. */
	w->ruby.at = gp_ruby_frame_in(w, ruby, GP_RUBY_REG_FRAME);
	return w->ruby.at && w->ruby.frame > w->ruby.at;
}

/* Tells code from other code at the same address: mixes what its names and lines are made of. */
GP_INLINE __u32 gp_ruby_code_cookie(struct gp_walk *w, const struct gp_ruby *ruby)
{
	__u64 hash = gp_object_word(w, GP_RUBY_BODY_FIRST_LINE);

	hash = (hash ^ gp_object_word(w, GP_RUBY_BODY_LABEL)) * 0x9e3779b97f4a7c15ull;
	hash = (hash ^ gp_object_word(w, GP_RUBY_BODY_PATH)) * 0x9e3779b97f4a7c15ull;
	hash = (hash ^ gp_object_word(w, GP_RUBY_BODY_CODE)) * 0x9e3779b97f4a7c15ull;
	hash = (hash ^ gp_object_word(w, ruby->lines)) * 0x9e3779b97f4a7c15ull;
	return (__u32)(hash >> 32);
}

/* A frame of code written in Ruby. 1: the stack is full. */
GP_INLINE int gp_ruby_code(struct gp_walk *w, const struct gp_ruby *ruby, __u64 iseq, __u64 pc, __u64 ep, __u64 flags)
{
	__u64 head[3]; /* rb_iseq_t: flags, wrapper, body */

	if (gp_read_user(w, head, sizeof(head), iseq) || (head[0] & GP_RUBY_IMEMO_MASK) != GP_RUBY_ISEQ ||
	    gp_read_user(w, w->object, GP_RUBY_BODY_BYTES, head[2]))
		return gp_fail_runtime(w, GP_RUNTIME_RUBY, GP_END_RUNTIME_READ);

	/* pc is past the instruction that runs (vm_backtrace.c: calc_lineno). */
	__u64 position = (pc - gp_object_word(w, GP_RUBY_BODY_CODE)) >> 3;
	__u32 cookie = gp_ruby_code_cookie(w, ruby);

	if (position > gp_object_half(w, GP_RUBY_BODY_SIZE))
		position = 0;
	if (!gp_push_code(w, GP_RUNTIME_RUBY, 0, head[2], cookie, position ? (__u32)position - 1 : 0))
		return 1;
	w->ruby.pushed++;
	if (gp_symbol_is_known(w, GP_RUNTIME_RUBY, head[2], cookie))
		return 0;
	w->ruby.shipped = head[2];
	w->ruby.cookie = cookie;
	w->ruby.environment = flags & GP_RUBY_FLAG_BMETHOD ? 0 : ep;
	GP_CALL(gp_ruby_ship_code, w);
	return 0;
}

/* A frame of a C function. 1: the stack is full. */
GP_INLINE int gp_ruby_function(struct gp_walk *w, __u64 method)
{
	__u64 owner, definition, id;

	method = gp_ruby_method_in(w, method, 1);
	if (!method || gp_read_user(w, w->object, GP_RUBY_METHOD_BYTES, method))
		return 0; /* what it is called cannot be told */
	definition = gp_object_word(w, GP_RUBY_METHOD_DEF);
	owner = gp_object_word(w, GP_RUBY_METHOD_OWNER);
	if (gp_read_user(w, &id, 8, definition + GP_RUBY_DEF_ID))
		return 0;

	__u32 cookie = (__u32)(((id ^ owner) * 0x9e3779b97f4a7c15ull) >> 32);

	if (!gp_push_code(w, GP_RUNTIME_RUBY, 0, definition, cookie, 0))
		return 1;
	w->ruby.pushed++;
	if (gp_symbol_is_known(w, GP_RUNTIME_RUBY, definition, cookie))
		return 0;
	w->ruby.shipped = definition;
	w->ruby.cookie = cookie;
	w->ruby.entry = method;
	w->ruby.id = id;
	GP_CALL(gp_ruby_ship_function, w);
	return 0;
}

/* The control frame at w->ruby.frame. */
GP_INLINE int gp_ruby_frame(struct gp_walk *w, const struct gp_ruby *ruby)
{
	__u64 frame = w->ruby.frame;
	__u64 env[3]; /* method entry or cref, outer environment, flags */

	if (gp_ruby_pass_edge(w, ruby))
		return gp_hand_back(w, GP_EVAL_UNSEEN);
	if (!w->ruby.inside && gp_ruby_enter(w, ruby))
		return gp_ruby_leave(w, ruby);
	if (frame >= w->ruby.end)
		return gp_end_of_runtime(w, GP_RUNTIME_RUBY, gp_ruby_close(w, ruby));
	if (++w->ruby.turns > GP_RUBY_FRAME_TURNS || gp_read_user(w, w->object, GP_RUBY_FRAME_BYTES, frame))
		return gp_fail_runtime(w, GP_RUNTIME_RUBY, GP_END_RUNTIME_READ);

	__u64 pc = gp_object_word(w, 0), iseq = gp_object_word(w, 16), ep = gp_object_word(w, 32);

	if ((ep & 7) || gp_read_user(w, env, sizeof(env), ep - 16))
		return gp_fail_runtime(w, GP_RUNTIME_RUBY, GP_END_RUNTIME_READ);

	__u64 kind = env[2] & GP_RUBY_MAGIC_MASK;

	w->ruby.frame = frame + ruby->frame_bytes;
	if (kind == GP_RUBY_MAGIC_CFUNC)
		return gp_ruby_function(w, env[0]);
	if (kind == GP_RUBY_MAGIC_IFUNC || kind == GP_RUBY_MAGIC_DUMMY || !iseq)
		return 0; /* C code called as a block, whose own frames show it; the bottom of a stack */
	if (gp_ruby_code(w, ruby, iseq, pc, ep, env[2]))
		return 1;
	if ((env[2] & GP_RUBY_FLAG_FINISH) && frame >= w->ruby.at && !gp_is_done(w, GP_RUNTIME_RUBY))
		return gp_ruby_leave(w, ruby);
	return 0;
}

/* One turn of the Ruby unwinder. 0: go on, 1: the walk is over. */
GP_INLINE int gp_ruby_step(struct gp_walk *w)
{
	const struct gp_ruby *ruby = (const struct gp_ruby *)gp_layout_of(w, GP_RUNTIME_RUBY);

	if (!ruby)
		return gp_fail_runtime(w, GP_RUNTIME_RUBY, GP_END_RUNTIME_NOT_LOADED);
	if (gp_is_first_turn(w, GP_RUNTIME_RUBY))
		return gp_ruby_begin(w, ruby);
	return w->ruby.state == GP_RUBY_READY ? gp_ruby_frame(w, ruby) : gp_ruby_search(w, ruby);
}
