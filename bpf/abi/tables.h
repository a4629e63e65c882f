/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Tables the agent writes by plain stores into mapped arrays and the walker reads. One writer (the agent's reader
 * thread). Anything that is found through a packed 64-bit word is checked against that word again after use.
 */
#pragma once

#include <linux/types.h>

#include "bpf/abi/unwind.h"

/* Processes: a hash of buckets by pid. */
#define GP_BUCKET_ENTRIES 8

#define GP_PROCESS_UNWANTED 1 /* filtered out: return before walking */

/* Start times this close are the same process: the agent learns of a fork a little after the kernel stamped it. */
#define GP_START_SLACK_TICKS 2

struct gp_process {
	__u32 pid; /* thread group id in the initial pid namespace; 0: free */
	__u32 flags;
	__u64 start_ticks;
	__u64 mappings; /* bits 0-31 first entry, 32-47 count, 48-63 generation */
	__u32 python;   /* 1 + index into the python table, 0: none */
	__u32 reserved;
};

struct gp_process_bucket {
	struct gp_process entries[GP_BUCKET_ENTRIES];
};

#define GP_MAPPINGS_FIRST(word) GP_CAST(__u32, word)
#define GP_MAPPINGS_COUNT(word) GP_CAST(__u32, ((word) >> 32) & 0xffff)
#define GP_MAPPINGS_PER_PROCESS 4096u /* executable mappings; more are dropped, counted */

/* An executable mapping of a process; a process' run is sorted by start. */
#define GP_NO_FILE 0xffffffffu /* anonymous memory: JIT code */

struct gp_mapping {
	__u64 start;
	__u64 end;
	__u64 offset; /* file offset of start */
	__u32 file;   /* file slot or GP_NO_FILE */
	__u32 reserved;
};

enum gp_runtime { GP_RUNTIME_NONE = 0, GP_RUNTIME_PYTHON = 1 };

enum gp_file_state { GP_FILE_NOT_LOADED = 0, GP_FILE_LOADED = 1, GP_FILE_UNREADABLE = 2 };

/* A file with code, shared by all processes that map it. */
struct gp_file {
	__u32 page_first; /* its run in the page directory */
	__u32 page_count;
	__u32 page_base; /* file offset >> GP_PAGE_SHIFT of the first page */
	__u32 runtime;   /* enum gp_runtime */
	__u32 state;     /* enum gp_file_state */
	__u32 reserved;
	__u64 eval_start; /* file offsets of the interpreter loop; equal: none */
	__u64 eval_end;
	__u64 eval_cold_start; /* the part of it that the compiler put elsewhere */
	__u64 eval_cold_end;
};

/*
 * Offsets of one CPython build, and where one process keeps its runtime; src/runtimes/python fills it and checks that
 * what is read in one piece (GP_PYTHON_*_BYTES) holds every field that is taken from it, aligned to its size.
 */
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

#ifdef __cplusplus
static_assert(sizeof(gp_python) == 80);
#else
_Static_assert(sizeof(struct gp_python) == 80, "shared layout");
#endif
