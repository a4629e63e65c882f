// A C program that prints a CPython's offsets as the compiler sees them, in terms of struct gp_python.
#pragma once

namespace gp::runtimes::python {

inline constexpr const char* kOffsetsProbe = R"(
#define Py_BUILD_CORE
#include <Python.h>
#include <stddef.h>
#include <stdio.h>
#if PY_VERSION_HEX < 0x030b0000
#include <frameobject.h>
#endif
#if PY_VERSION_HEX >= 0x030b0000
#include <internal/pycore_frame.h>
#endif
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_interpframe.h>
#endif
#if PY_VERSION_HEX >= 0x03090000
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#elif PY_VERSION_HEX >= 0x03080000
#include <internal/pycore_pystate.h>
#elif PY_VERSION_HEX >= 0x03070000
#include <internal/pystate.h>
#endif
#define SHOW(name, value) printf("%s %zu\n", #name, (size_t)(value))
#define FIELD(name, type, field) SHOW(name, offsetof(type, field))
int main(int argc, char **argv)
{
	SHOW(version, PY_VERSION_HEX >> 16);
	FIELD(object_type, PyObject, ob_type);
	FIELD(bytes_size, PyVarObject, ob_size);
#ifndef Py_GIL_DISABLED
	FIELD(type_basic_size, PyTypeObject, tp_basicsize);
#endif
	FIELD(thread_next, PyThreadState, next);
	FIELD(thread_interpreter, PyThreadState, interp);
	FIELD(thread_id, PyThreadState, thread_id);
	FIELD(code_first_line, PyCodeObject, co_firstlineno);
	FIELD(code_name, PyCodeObject, co_name);
	FIELD(code_filename, PyCodeObject, co_filename);
#if PY_VERSION_HEX >= 0x03070000
	FIELD(interpreters_head, _PyRuntimeState, interpreters.head);
#endif
	FIELD(interpreter_next, struct _is, next);
#if PY_VERSION_HEX >= 0x030c0000
	FIELD(modules, struct _is, imports.modules);
#else
	FIELD(modules, struct _is, modules);
#endif
#if PY_VERSION_HEX >= 0x030b0000
	FIELD(cached_keys, PyHeapTypeObject, ht_cached_keys);
#endif
#if PY_VERSION_HEX >= 0x030b0000
	FIELD(threads_head, struct _is, threads.head);
#else
	FIELD(threads_head, struct _is, tstate_head);
#endif
#ifdef Py_GIL_DISABLED
	SHOW(collecting, 0);
#elif PY_VERSION_HEX >= 0x03090000
	FIELD(collecting, struct _is, gc.collecting);
#elif PY_VERSION_HEX >= 0x03070000
	FIELD(collecting, _PyRuntimeState, gc.collecting);
#endif
#if PY_VERSION_HEX >= 0x03000000
	FIELD(bytes_data, PyBytesObject, ob_sval);
	FIELD(unicode_length, PyASCIIObject, length);
	FIELD(unicode_state, PyASCIIObject, state);
	SHOW(unicode_ascii_data, sizeof(PyASCIIObject));
	SHOW(unicode_compact_data, sizeof(PyCompactUnicodeObject));
#else
	FIELD(bytes_data, PyStringObject, ob_sval);
	FIELD(type_name, PyHeapTypeObject, ht_name);
	SHOW(classic, offsetof(PyInstanceObject, in_class) == 16 && offsetof(PyClassObject, cl_bases) == 16 &&
		offsetof(PyClassObject, cl_dict) == 24 && offsetof(PyClassObject, cl_name) == 32 &&
		offsetof(PyDictObject, ma_mask) == 32 && offsetof(PyDictObject, ma_table) == 40);
#endif
#if PY_VERSION_HEX >= 0x030a0000
	FIELD(code_line_table, PyCodeObject, co_linetable);
#else
	FIELD(code_line_table, PyCodeObject, co_lnotab);
#endif
#if PY_VERSION_HEX < 0x030b0000
	FIELD(thread_frame, PyThreadState, frame);
	FIELD(frame_code, PyFrameObject, f_code);
	FIELD(frame_previous, PyFrameObject, f_back);
	FIELD(frame_instruction, PyFrameObject, f_lasti);
	FIELD(frame_locals, PyFrameObject, f_localsplus);
	FIELD(code_arguments, PyCodeObject, co_argcount);
	SHOW(code_start, sizeof(PyCodeObject));
	FIELD(function_code, PyFunctionObject, func_code);
	SHOW(types, offsetof(PyTypeObject, tp_flags) == 168 && offsetof(PyTypeObject, tp_dict) == 264 &&
		offsetof(PyTypeObject, tp_mro) == 344 && offsetof(PyTupleObject, ob_item) == 24);
#if PY_VERSION_HEX >= 0x03000000
	FIELD(frame_generator, PyFrameObject, f_gen);
	FIELD(generator_qualname, PyGenObject, gi_qualname);
	FIELD(function_qualname, PyFunctionObject, func_qualname);
	SHOW(dicts, offsetof(PyDictObject, ma_keys) == 32);
#endif
#else
	FIELD(frame_previous, _PyInterpreterFrame, previous);
	SHOW(frame_bytes, offsetof(_PyInterpreterFrame, localsplus));
	FIELD(code_qualname, PyCodeObject, co_qualname);
	FIELD(code_start, PyCodeObject, co_code_adaptive);
#if PY_VERSION_HEX < 0x030c0000
	FIELD(frame_entry, _PyInterpreterFrame, is_entry);
	SHOW(entry_value, 1);
	SHOW(entry_is_frame, 1);
	SHOW(thread_status, 0);
#else
	PyThreadState thread;
	memset(&thread, 0, sizeof(thread));
	thread._status.active = 1;
	FIELD(frame_entry, _PyInterpreterFrame, owner);
#if PY_VERSION_HEX >= 0x030e0000
	SHOW(entry_value, FRAME_OWNED_BY_INTERPRETER);
#else
	SHOW(entry_value, FRAME_OWNED_BY_CSTACK);
#endif
	SHOW(entry_is_frame, 0);
	FIELD(thread_status, PyThreadState, _status);
	SHOW(status_active, *(unsigned *)&thread._status);
#endif
#if PY_VERSION_HEX < 0x030d0000
	FIELD(thread_frame, PyThreadState, cframe);
	SHOW(frame_indirect, 1);
	FIELD(cframe_frame, _PyCFrame, current_frame);
	FIELD(frame_code, _PyInterpreterFrame, f_code);
	FIELD(frame_instruction, _PyInterpreterFrame, prev_instr);
#else
	FIELD(thread_frame, PyThreadState, current_frame);
	SHOW(frame_indirect, 0);
	SHOW(cframe_frame, 0);
	FIELD(frame_code, _PyInterpreterFrame, f_executable);
	FIELD(frame_instruction, _PyInterpreterFrame, instr_ptr);
#if PY_VERSION_HEX >= 0x030e0000 && defined(Py_GIL_DISABLED)
	FIELD(frame_bytecode, _PyInterpreterFrame, tlbc_index);
	FIELD(code_copies, PyCodeObject, co_tlbc);
	SHOW(copies_array, offsetof(_PyCodeArray, entries) == 8 && sizeof(((_PyCodeArray *)0)->size) == 8);
#endif
#endif
#endif
#if PY_VERSION_HEX >= 0x03030000
	PyASCIIObject text;
	memset(&text, 0, sizeof(text));
	text.state.kind = 7;
	SHOW(text_kind_shift, __builtin_ctz(*(unsigned *)&text.state));
#endif
#if PY_VERSION_HEX >= 0x030e0000
	/* With an argument: what such a build says of itself, word by word. */
	static const struct _Py_DebugOffsets description = _Py_DebugOffsets_INIT("xdebugpy");
	for (size_t i = 0; argc > 1 && i < sizeof(description) / 8; i++)
		printf("word_%zu %llu\n", i, ((const unsigned long long *)&description)[i]);
#endif
	(void)argc;
	(void)argv;
	return 0;
}
)";

}  // namespace gp::runtimes::python
