/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Ruby's objects, as far as names are made of them. Addresses come from the process: every type is checked. What is read
   of one goes into w->context: the BPF stack is small. */
#pragma once

#include "bpf/abi/ruby.h"
#include "bpf/walk/interpreter.h"

#define GP_RUBY_OUTER_MAX 12   /* environments looked through for a method: nested blocks */
#define GP_RUBY_HIDDEN_MAX 4   /* variables of a class looked at for its name: the name is set first */
#define GP_RUBY_SHAPES_MAX 256 /* 3.2: the same, beginning with the last */
#define GP_RUBY_SHAPE_VARIABLE 1 /* shape.h: SHAPE_IVAR */

/* Type of an object (GP_RUBY_CLASS, …); 0 for what is none (numbers, true, …). */
GP_INLINE __u64 gp_ruby_flags(struct gp_walk *w, __u64 object)
{
	__u64 flags = 0;

	if ((object & 7) || gp_read_user(w, &flags, 8, object))
		return 0;
	return flags;
}

/* Element of an array; 0 when it cannot be had. */
GP_INLINE __u64 gp_ruby_element(struct gp_walk *w, __u64 array, __u64 index)
{
	__u64 *head = w->context; /* RBasic, then embedded elements, or length, capacity, pointer: rarray.h */
	__u64 element = 0;

	if ((array & 7) || gp_read_user(w, head, 40, array) || (head[0] & GP_RUBY_TYPE) != GP_RUBY_ARRAY)
		return 0;

	__u64 elements = head[0] & GP_RUBY_EMBEDDED ? array + 16 : head[4];

	return gp_read_user(w, &element, 8, elements + 8 * index) ? 0 : element;
}

/* Where a string's bytes are; its length in `length`. 0: no string. */
GP_INLINE __u64 gp_ruby_string(struct gp_walk *w, const struct gp_ruby *ruby, __u64 string, __u64 *length)
{
	__u64 *head = w->context; /* RBasic, then before 3.2 embedded bytes, or length and pointer: rstring.h */

	*length = 0;
	if ((string & 7) || gp_read_user(w, head, 32, string) || (head[0] & GP_RUBY_TYPE) != GP_RUBY_STRING)
		return 0;
	*length = head[2];
	if (head[0] & GP_RUBY_NOT_EMBEDDED)
		return head[3];
	if (ruby->string_length_apart)
		return string + 24;
	*length = (head[0] >> 14) & 0x1f; /* RSTRING_EMBED_LEN_MASK */
	return string + 16;
}

/* Name of an ID: a string object, or 0. */
GP_INLINE __u64 gp_ruby_id_name(struct gp_walk *w, const struct gp_ruby *ruby, __u64 id)
{
	__u64 serial = id > GP_RUBY_LAST_OPERATOR ? id >> GP_RUBY_ID_SHIFT : id;
	__u64 ids = 0;

	if (!ruby->symbols || gp_read_user(w, &ids, 8, ruby->symbols + GP_RUBY_SYMBOLS_IDS))
		return 0;
	ids = gp_ruby_element(w, ids, (__u32)serial / GP_RUBY_IDS_A_PART);
	return gp_ruby_element(w, ids, 2 * ((__u32)serial % GP_RUBY_IDS_A_PART));
}

/* Remembers what a variable of a class holds if it is what is looked for: 1. */
GP_INLINE int gp_ruby_is_wanted(struct gp_walk *w, __u64 value)
{
	__u64 type = gp_ruby_flags(w, value) & GP_RUBY_TYPE;
	int found = w->ruby.want_class ? type == GP_RUBY_CLASS || type == GP_RUBY_MODULE : type == GP_RUBY_STRING;

	if (found)
		w->ruby.hidden = value;
	return found;
}

/* One variable of a class. 1: it was the last, or is what is looked for. */
GP_INLINE int gp_ruby_look_at_variable(struct gp_walk *w)
{
	__u64 *entry = w->context; /* st_table_entry: hash, key, record (st.h, st.c) */

	if (!w->ruby.variables || gp_read_user(w, entry, 24, w->ruby.variable))
		return 1;
	w->ruby.variables--;
	w->ruby.variable += 24;
	return entry[1] & GP_RUBY_ID_SCOPE ? 0 : gp_ruby_is_wanted(w, entry[2]);
}

GP_TURN(gp_ruby_look_at_variable)

/* 3.2: one step of how an object came to its variables, the last first. 1: it was the first one's, or is what is looked
   for. rb_shape_t (shape.h): edges, edge_name, {next_iv_index, capacity}, {type, …, parent_id}. */
GP_INLINE int gp_ruby_look_at_shape(struct gp_walk *w)
{
	__u64 *shape = w->context, value = 0;

	if (gp_read_user(w, shape, 32, w->ruby.variable + 32 * w->ruby.variables))
		return 1;

	__u8 type = (__u8)shape[3];
	__u64 after = (__u32)shape[2];

	w->ruby.variables = shape[3] >> 32;
	if (!shape[1]) /* the root, and what objects of a size begin with, have none */
		return 1;
	if (type != GP_RUBY_SHAPE_VARIABLE || (shape[1] & GP_RUBY_ID_SCOPE) || !after ||
	    gp_read_user(w, &value, 8, w->ruby.values + 8 * (after - 1)))
		return 0;
	return gp_ruby_is_wanted(w, value);
}

GP_TURN(gp_ruby_look_at_shape)

/* 3.2: a class has the values (RClass: 32 bytes, then rb_classext_t.iv_ptr), its shape (the upper half of its flags) tells
   whose they are. */
GP_INLINE __u64 gp_ruby_hidden_by_shape(struct gp_walk *w, const struct gp_ruby *ruby, __u64 klass)
{
	__u64 thread = 0, vm = 0;

	if (gp_read_user(w, &thread, 8, w->ruby.ec + ruby->ec_thread) || gp_read_user(w, &vm, 8, thread + ruby->thread_vm) ||
	    gp_read_user(w, &w->ruby.variable, 8, vm + ruby->vm_shapes) ||
	    gp_read_user(w, &w->ruby.values, 8, klass + 32))
		return 0;
	w->ruby.variables = gp_ruby_flags(w, klass) >> 32;
	GP_LOOP(gp_ruby_look_at_shape, w, GP_RUBY_SHAPES_MAX);
	return w->ruby.hidden;
}

/*
 * Before 3.3: what a class keeps of itself is among its variables, under names that no program can write: its path is
 * the first such string, the object a singleton class belongs to the first such class or module (2.7, 3.1: variable.c,
 * class.c: classpath, __attached__). RClass.ptr at 24, iv_tbl at 8 in it, st_table: bound at 40, entries at 48.
 */
GP_INLINE __u64 gp_ruby_hidden(struct gp_walk *w, const struct gp_ruby *ruby, __u64 klass, int want_class)
{
	__u64 extension = 0, table = 0;

	w->ruby.want_class = want_class ? 1 : 0;
	w->ruby.hidden = 0;
	if (ruby->vm_shapes)
		return gp_ruby_hidden_by_shape(w, ruby, klass);
	if (gp_read_user(w, &extension, 8, klass + 24) || gp_read_user(w, &table, 8, extension + 8) ||
	    gp_read_user(w, &w->ruby.variables, 8, table + 40) || gp_read_user(w, &w->ruby.variable, 8, table + 48))
		return 0;
	GP_LOOP(gp_ruby_look_at_variable, w, GP_RUBY_HIDDEN_MAX);
	return w->ruby.hidden;
}

GP_INLINE int gp_ruby_is_class(__u64 flags)
{
	return (flags & GP_RUBY_TYPE) == GP_RUBY_CLASS || (flags & GP_RUBY_TYPE) == GP_RUBY_MODULE;
}

/* Path of a class or module: a string object, or 0 when it has no name. A singleton class gives that of its object. */
GP_INLINE __u64 gp_ruby_class_path(struct gp_walk *w, const struct gp_ruby *ruby, __u64 klass, __u8 *is_singleton)
{
	__u64 flags = gp_ruby_flags(w, klass), path = 0;

	*is_singleton = 0;
	if (gp_ruby_is_class(flags) && (flags & GP_RUBY_TYPE) == GP_RUBY_CLASS && (flags & ruby->class_singleton)) {
		__u64 attached = 0;

		if (!ruby->class_attached)
			attached = gp_ruby_hidden(w, ruby, klass, 1);
		else if (gp_read_user(w, &attached, 8, klass + ruby->class_attached))
			return 0;
		klass = attached;
		flags = gp_ruby_flags(w, klass);
		if ((flags & GP_RUBY_TYPE) == GP_RUBY_CLASS && (flags & ruby->class_singleton))
			return 0;
		*is_singleton = 1;
	}
	if (!gp_ruby_is_class(flags))
		return 0;
	if (!ruby->class_path)
		return gp_ruby_hidden(w, ruby, klass, 0);
	return gp_read_user(w, &path, 8, klass + ruby->class_path) ? 0 : path;
}

/* The method entry in a word of an environment, or 0: it may be there or in what holds a method's special variables. */
GP_INLINE __u64 gp_ruby_method_in(struct gp_walk *w, __u64 word, int is_local)
{
	__u64 flags = word ? gp_ruby_flags(w, word) : 0;

	if (is_local && (flags & GP_RUBY_IMEMO_MASK) == GP_RUBY_SVAR) {
		if (gp_read_user(w, &word, 8, word + 8)) /* vm_svar.cref_or_me, internal/imemo.h */
			return 0;
		flags = word ? gp_ruby_flags(w, word) : 0;
	}
	return (flags & GP_RUBY_IMEMO_MASK) == GP_RUBY_METHOD_ENTRY ? word : 0;
}

/* One environment. 1: it is the last, or has a method. */
GP_INLINE int gp_ruby_look_at_environment(struct gp_walk *w)
{
	__u64 *env = w->context;

	if (gp_read_user(w, env, 24, w->ruby.environment - 16))
		return 1;

	int is_local = !!(env[2] & GP_RUBY_ENV_LOCAL);

	w->ruby.method = gp_ruby_method_in(w, env[0], is_local);
	w->ruby.environment = env[1] & ~3ull;
	return w->ruby.method || is_local;
}

GP_TURN(gp_ruby_look_at_environment)

/* The method a frame with w->ruby.environment is in, from blocks outwards; 0: none (vm_insnhelper.c: check_method_entry). */
GP_INLINE __u64 gp_ruby_method(struct gp_walk *w)
{
	w->ruby.method = 0;
	if (w->ruby.environment)
		GP_LOOP(gp_ruby_look_at_environment, w, GP_RUBY_OUTER_MAX);
	return w->ruby.method;
}
