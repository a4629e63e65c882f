/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * CPython before 3.11: what a function is called with its class. Its code object does not say. A generator does; a
 * method is found in the dictionary of its class, which the first argument leads to: only where a dictionary on the
 * way holds, under the function's name, a function with this very code object is the name taken. Done once for each
 * code object, when its names are shipped.
 */
#pragma once

#include "bpf/abi/python.h"
#include "bpf/walk/interpreter.h"

/* Offsets that are the same from 2.7 to 3.10, checked by offsets_test.cc. */
#define GP_PYTHON_TYPE_FLAGS 168 /* PyTypeObject.tp_flags, Include/object.h */
#define GP_PYTHON_TYPE_DICT 264
#define GP_PYTHON_TYPE_MRO 344
#define GP_PYTHON_TYPE_IS_TYPE (1ull << 31) /* Py_TPFLAGS_TYPE_SUBCLASS */
#define GP_PYTHON_TUPLE_SIZE 16  /* PyVarObject.ob_size */
#define GP_PYTHON_TUPLE_ITEMS 24
#define GP_PYTHON_WRAPPED 16     /* cm_callable of class and static methods, prop_get: Objects/funcobject.c, descrobject.c */
#define GP_PYTHON_INSTANCE_CLASS 16 /* PyInstanceObject.in_class, Include/classobject.h of 2.7 */
#define GP_PYTHON_CLASS_BASES 16
#define GP_PYTHON_CLASS_DICT 24
#define GP_PYTHON_CLASS_NAME 32
#define GP_PYTHON_DICT_TABLE 40  /* 2.7: ma_mask, ma_table */
#define GP_PYTHON_DICT_MASK 32
#define GP_PYTHON_DICT_KEYS 32   /* PyDictObject.ma_keys */
#define GP_PYTHON_KEYS_SIZE 8    /* PyDictKeysObject: dk_size, dk_nentries, dk_indices, Objects/dict-common.h */
#define GP_PYTHON_KEYS_USED 32
#define GP_PYTHON_KEYS_INDICES 40
#define GP_PYTHON_ENTRY_BYTES 24 /* hash, key, value */

#define GP_PYTHON_CLASSES 8        /* on the way to the one that defines a method */
#define GP_PYTHON_ENTRIES_READ 10  /* at once: 240 bytes */
#define GP_PYTHON_ENTRY_READS 26   /* 260 entries of a class */

/* `value` of a class' dictionary is the function that is looked for, or wraps it. */
GP_INLINE int gp_python_is_function(struct gp_walk *w, const struct gp_python *python, __u64 value)
{
	__u64 code = 0;

	w->python.function = value;
	if (gp_read_user(w, &code, 8, value + python->function_code) == 0 && code == w->python.code)
		return 1;
	if (gp_read_user(w, &w->python.function, 8, value + GP_PYTHON_WRAPPED) ||
	    gp_read_user(w, &code, 8, w->python.function + python->function_code))
		return 0;
	return code == w->python.code;
}

/* Where a dictionary's entries are, and how many. */
GP_INLINE int gp_python_dict_entries(struct gp_walk *w, const struct gp_python *python, __u64 dict, __u64 *entries,
				     __u64 *count)
{
	__u64 keys, size;

	if (python->text_is_bytes) {
		if (gp_read_user(w, entries, 8, dict + GP_PYTHON_DICT_TABLE) ||
		    gp_read_user(w, count, 8, dict + GP_PYTHON_DICT_MASK))
			return 0;
		*count += 1;
		return 1;
	}
	if (gp_read_user(w, &keys, 8, dict + GP_PYTHON_DICT_KEYS) ||
	    gp_read_user(w, &size, 8, keys + GP_PYTHON_KEYS_SIZE) ||
	    gp_read_user(w, count, 8, keys + GP_PYTHON_KEYS_USED))
		return 0;
	*entries = keys + GP_PYTHON_KEYS_INDICES + size * (size <= 0xff ? 1 : size <= 0xffff ? 2 : 4);
	return 1;
}

/* Looks for w->python.name among the next entries of a dictionary. 1: that was all, and w->python.function is its value. */
GP_INLINE int gp_python_look_at_entries(struct gp_walk *w)
{
	__u64 left = w->python.entries_left;
	__u64 there = left < GP_PYTHON_ENTRIES_READ ? left : GP_PYTHON_ENTRIES_READ;

	if (there == 0 ||
	    gp_read_user(w, w->object, (__u32)GP_BOUND(there * GP_PYTHON_ENTRY_BYTES, 255), w->python.entries))
		return 1;
	for (__u32 i = 0; i < GP_PYTHON_ENTRIES_READ; i++) {
		if (i < there && gp_object_word(w, i * GP_PYTHON_ENTRY_BYTES + 8) == w->python.name) {
			w->python.function = gp_object_word(w, i * GP_PYTHON_ENTRY_BYTES + 16);
			return 1;
		}
	}
	w->python.entries += GP_PYTHON_ENTRIES_READ * GP_PYTHON_ENTRY_BYTES;
	w->python.entries_left = left - there;
	return 0;
}

GP_TURN(gp_python_look_at_entries)

/*
 * The value under w->python.name in the dictionary w->python.dict is the function. Names are interned: one object a name.
 * A part of its own: the verifier would follow it anew for each class.
 */
GP_INLINE int gp_python_dict_has(struct gp_walk *w)
{
	const struct gp_python *python = (const struct gp_python *)gp_layout_of(w, GP_RUNTIME_PYTHON);

	if (!python ||
	    !gp_python_dict_entries(w, python, w->python.dict, &w->python.entries, &w->python.entries_left))
		return 0;
	w->python.function = 0;
	GP_LOOP(gp_python_look_at_entries, w, GP_PYTHON_ENTRY_READS);
	return w->python.function && gp_python_is_function(w, python, w->python.function);
}

GP_PART_OF(GP_RUNTIME_PYTHON, gp_python_dict_has)

/* 2.7: the class of w->python.self, or the first of its bases and so on, that has the function. */
GP_INLINE int gp_python_search_classic(struct gp_walk *w)
{
	__u64 owner, bases, count;

	if (gp_read_user(w, &owner, 8, w->python.self + GP_PYTHON_INSTANCE_CLASS))
		return 0;
	for (__u32 i = 0; i < GP_PYTHON_CLASSES; i++) {
		if (gp_read_user(w, &w->python.dict, 8, owner + GP_PYTHON_CLASS_DICT))
			return 0;
		if (GP_CALL(gp_python_dict_has, w))
			return gp_read_user(w, &w->python.owner, 8, owner + GP_PYTHON_CLASS_NAME) == 0;
		if (gp_read_user(w, &bases, 8, owner + GP_PYTHON_CLASS_BASES) ||
		    gp_read_user(w, &count, 8, bases + GP_PYTHON_TUPLE_SIZE) || count == 0 ||
		    gp_read_user(w, &owner, 8, bases + GP_PYTHON_TUPLE_ITEMS))
			return 0;
	}
	return 0;
}

/* Finds the class among those that w->python.self, an object or a class, has; 1: w->python.function is set. */
GP_INLINE int gp_python_search_classes(struct gp_walk *w)
{
	const struct gp_python *python = (const struct gp_python *)gp_layout_of(w, GP_RUNTIME_PYTHON);
	__u64 type, flags, mro, count, owner;

	if (!python || gp_read_user(w, &type, 8, w->python.self + python->object_type))
		return 0;
	if (python->instance_type && type == python->instance_type)
		return gp_python_search_classic(w);
	if (gp_read_user(w, &flags, 8, type + GP_PYTHON_TYPE_FLAGS))
		return 0;
	if (flags & GP_PYTHON_TYPE_IS_TYPE) /* its type is a metaclass: it is the class of a class method */
		type = w->python.self;
	if (gp_read_user(w, &mro, 8, type + GP_PYTHON_TYPE_MRO) ||
	    gp_read_user(w, &count, 8, mro + GP_PYTHON_TUPLE_SIZE))
		return 0;
	for (__u32 i = 0; i < GP_PYTHON_CLASSES; i++) {
		if (i >= count || gp_read_user(w, &owner, 8, mro + GP_PYTHON_TUPLE_ITEMS + i * 8) ||
		    gp_read_user(w, &w->python.dict, 8, owner + GP_PYTHON_TYPE_DICT))
			return 0;
		if (!GP_CALL(gp_python_dict_has, w))
			continue;
		if (python->type_name && gp_read_user(w, &w->python.owner, 8, owner + python->type_name))
			w->python.owner = 0;
		return 1;
	}
	return 0;
}

GP_PART_OF(GP_RUNTIME_PYTHON, gp_python_search_classes)

/*
 * The string object with the qualified name, or `name` where that is all there is to know; on 2.7 w->python.owner is
 * then the class' name, or 0. `w->object` holds the code object, and something else afterwards.
 */
GP_INLINE __u64 gp_python_qualified(struct gp_walk *w, const struct gp_python *python, __u64 code, __u64 name,
				    __u64 generator, __u64 locals)
{
	__u64 qualname;

	if (generator && python->generator_qualname &&
	    gp_read_user(w, &qualname, 8, generator + python->generator_qualname) == 0 && qualname)
		return qualname;
	if (gp_object_half(w, python->code_arguments) == 0 || gp_read_user(w, &w->python.self, 8, locals) ||
	    !w->python.self)
		return name;
	w->python.code = code;
	w->python.name = name;
	if (!GP_CALL(gp_python_search_classes, w))
		return name;
	if (python->function_qualname &&
	    gp_read_user(w, &qualname, 8, w->python.function + python->function_qualname) == 0 && qualname)
		return qualname;
	return name;
}
