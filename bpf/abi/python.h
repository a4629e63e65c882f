/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Offsets of one CPython build, and where one process keeps its runtime; src/runtimes/python fills it and checks that
 * what is read in one piece holds every field that is taken from it, aligned to its size.
 */
#pragma once

#include "bpf/abi/runtime.h"

/* `extra` of a frame that has not run its first instruction; else where in the code it is, as its lines count. */
#define GP_PYTHON_NOT_STARTED 0xffffffffu
#define GP_PYTHON_NO_LINE (1u << 30) /* beyond any code: which bytecode the frame runs could not be read */

/* How a frame's `extra` and the table of lines are to be read (struct gp_symbol.table_format). */
enum gp_python_lines {
	GP_PYTHON_LOCATIONS = 0,    /* 3.11+: code units, co_linetable with locations */
	GP_PYTHON_LINETABLE = 1,    /* 3.10: code units, co_linetable of lines */
	GP_PYTHON_LNOTAB = 2,       /* 3.6 to 3.9: bytes, co_lnotab */
	GP_PYTHON_LNOTAB_SMALL = 3, /* 2.7: bytes, co_lnotab whose lines only grow */
};

#define GP_PYTHON_MAX_BYTES 248   /* of an object that are read at once */
#define GP_PYTHON_UNICODE_BYTES 56 /* of PyASCIIObject, its header at most 32 bytes long */
#define GP_PYTHON_UNLINKED 4

/* A part of the loop's function, in bytes from its start, in which its frame is not (any more) the thread's. */
struct gp_python_part {
	__u32 start;
	__u32 end;
};

struct gp_python {
	__u64 runtime_address;    /* &_PyRuntime in the process; before 3.7 of the list's head alone */
	__u64 code_type;          /* &PyCode_Type in the process, 0: not known */
	__u64 instance_type;      /* 2.7: &PyInstance_Type: objects of classic classes */
	__u64 loop_start;         /* object_frames: file offset of the loop's function */
	__u32 interpreter_next;   /* PyInterpreterState.next */
	__u32 threads_head;       /* PyInterpreterState.threads.head */
	__u32 modules;            /* PyInterpreterState.modules (imports.modules), for names of threads; 0: not known */
	__u32 collecting;         /* whether the collector of garbage runs (gc.collecting), 0: not known */
	__u16 interpreters_head;  /* _PyRuntimeState.interpreters.head */
	__u16 version;            /* 0x030b for 3.11 */
	struct gp_python_part unlinked[GP_PYTHON_UNLINKED];
	__u16 thread_next;        /* PyThreadState.next */
	__u16 thread_interpreter; /* PyThreadState.interp */
	__u16 thread_id;          /* PyThreadState.thread_id: pthread_self() */
	__u16 thread_status;      /* 3.12+: PyThreadState._status, 0: none */
	__u16 thread_frame;       /* current_frame, or cframe when frame_indirect */
	__u16 cframe_frame;       /* _PyCFrame.current_frame */
	__u16 frame_code;         /* f_code / f_executable */
	__u16 frame_previous;
	__u16 frame_instruction;  /* prev_instr / instr_ptr; object_frames: f_lasti, an int */
	__u16 frame_entry;        /* is_entry / owner */
	__u16 frame_bytecode;     /* 3.14t: tlbc_index, an int: which copy of the bytecode runs; 0: there is one */
	__u16 frame_generator;    /* object_frames: f_gen, 0: none */
	__u16 frame_locals;       /* object_frames: f_localsplus */
	__u16 object_type;        /* PyObject.ob_type */
	__u16 code_start;         /* co_code_adaptive */
	__u16 code_copies;        /* 3.14t: co_tlbc, the array of copies */
	__u16 code_first_line;
	__u16 code_name;
	__u16 code_qualname;      /* before 3.11: as code_name */
	__u16 code_filename;
	__u16 code_line_table;
	__u16 code_arguments;     /* co_argcount */
	__u16 bytes_data;         /* PyBytesObject.ob_sval */
	__u16 bytes_size;         /* PyVarObject.ob_size */
	__u16 unicode_length;
	__u16 unicode_state;
	__u16 unicode_ascii_data;   /* sizeof(PyASCIIObject) */
	__u16 unicode_compact_data; /* sizeof(PyCompactUnicodeObject) */
	__u16 function_code;        /* PyFunctionObject.func_code */
	__u16 function_qualname;    /* 2.7: 0 */
	__u16 generator_qualname;   /* PyGenObject.gi_qualname */
	__u16 type_name;            /* 2.7: PyHeapTypeObject.ht_name */
	__u16 loop_cfa;             /* object_frames: distance of the canonical frame address in the body of the loop */
	__u8 loop_register;         /* and the register it is counted from */
	__u8 object_frames;         /* before 3.11: PyFrameObjects, one for each activation of the loop */
	__u8 frame_indirect;        /* 3.11, 3.12: tstate->cframe->current_frame */
	__u8 entry_is_frame;        /* 3.11: the frame marked as entry is itself a Python frame; later a shim below it */
	__u8 entry_value;           /* value of that byte that says "C called the interpreter here" */
	__u8 text_is_bytes;         /* 2.7: names are byte strings */
	__u8 text_kind_shift;       /* bits of PyASCIIObject.state before `kind` */
	__u8 collecting_in_runtime; /* 3.7, 3.8: the collector is the runtime's, not an interpreter's */
	__u8 lines;                 /* enum gp_python_lines */
	__u8 thread_bytes;          /* what is read of a PyThreadState, a frame, a code object */
	__u8 frame_bytes;
	__u8 code_bytes;
};

#define GP_PYTHON_STATUS_ACTIVE 0x10 /* PyThreadState._status.active: Include/cpython/pystate.h of 3.12 to 3.14 */

GP_LAYOUT_FITS(struct gp_python);
