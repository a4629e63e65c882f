/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Offsets of one CPython build, and where one process keeps its runtime; src/runtimes/python fills it and checks that
 * what is read in one piece (GP_PYTHON_*_BYTES) holds every field that is taken from it, aligned to its size.
 */
#pragma once

#include "bpf/abi/runtime.h"

/* `extra` of a frame that has not run its first instruction; else the code unit it is at. */
#define GP_PYTHON_NOT_STARTED 0xffffffffu

#define GP_PYTHON_THREAD_BYTES 168 /* of PyThreadState */
#define GP_PYTHON_FRAME_BYTES 72   /* of _PyInterpreterFrame: all before localsplus */
#define GP_PYTHON_CODE_BYTES 144   /* of PyCodeObject: all up to co_linetable */
#define GP_PYTHON_UNICODE_BYTES 40 /* of PyASCIIObject */

struct gp_python {
	__u64 runtime_address;    /* &_PyRuntime in the process */
	__u64 code_type;          /* &PyCode_Type in the process, 0: not known */
	__u32 interpreter_next;   /* PyInterpreterState.next */
	__u32 threads_head;       /* PyInterpreterState.threads.head */
	__u16 interpreters_head;  /* _PyRuntimeState.interpreters.head */
	__u16 version;            /* 0x030b for 3.11 */
	__u16 thread_next;        /* PyThreadState.next */
	__u16 thread_id;          /* PyThreadState.thread_id: pthread_self() */
	__u16 thread_status;      /* 3.12+: PyThreadState._status, 0: none */
	__u16 thread_frame;       /* current_frame, or cframe when frame_indirect */
	__u16 cframe_frame;       /* _PyCFrame.current_frame */
	__u8 frame_indirect;      /* 3.11, 3.12: tstate->cframe->current_frame */
	__u8 entry_is_frame;      /* 3.11: the frame marked as entry is itself a Python frame; later a shim below it */
	__u16 frame_code;         /* f_code / f_executable */
	__u16 frame_previous;
	__u16 frame_instruction;  /* prev_instr / instr_ptr */
	__u16 frame_entry;        /* is_entry / owner */
	__u8 entry_value;         /* value of that byte that says "C called the interpreter here" */
	__u8 reserved0;
	__u16 object_type;        /* PyObject.ob_type */
	__u16 code_start;         /* co_code_adaptive */
	__u16 code_first_line;
	__u16 code_name;
	__u16 code_qualname;
	__u16 code_filename;
	__u16 code_line_table;
	__u16 bytes_data;         /* PyBytesObject.ob_sval */
	__u16 bytes_size;         /* PyVarObject.ob_size */
	__u16 unicode_length;
	__u16 unicode_state;
	__u16 unicode_ascii_data;   /* sizeof(PyASCIIObject) */
	__u16 unicode_compact_data; /* sizeof(PyCompactUnicodeObject) */
	__u16 reserved1[2];
};

#define GP_PYTHON_STATUS_ACTIVE 0x10 /* PyThreadState._status.active: Include/cpython/pystate.h of 3.12 and 3.13 */

GP_LAYOUT_FITS(struct gp_python);
