#include "runtimes/python/offsets.h"

#include <initializer_list>

namespace gp::runtimes::python {
namespace {

// offsets_test.cc compares all of this with the compiler's view of the headers of installed interpreters.

gp_python python_3_11() {
  gp_python python{};
  python.version = kPython311;
  python.interpreters_head = 40;  // Include/internal/pycore_runtime.h: pyruntimestate.interpreters.head
  python.interpreter_next = 0;    // Include/internal/pycore_interp.h: struct _is
  python.threads_head = 16;
  python.modules = 888;     // modules; from 3.12 on imports.modules
  python.collecting = 848;  // gc.collecting, Include/internal/pycore_gc.h
  python.thread_next = 8;   // Include/cpython/pystate.h: struct _ts
  python.thread_interpreter = 16;
  python.thread_id = 152;
  python.thread_frame = 56;  // cframe
  python.frame_indirect = 1;
  python.cframe_frame = 8;  // Include/cpython/pystate.h: _PyCFrame
  python.frame_code = 32;   // Include/internal/pycore_frame.h: _PyInterpreterFrame.f_code
  python.frame_previous = 48;
  python.frame_instruction = 56;  // prev_instr
  python.frame_entry = 68;        // is_entry, a bool
  python.entry_value = 1;
  python.entry_is_frame = 1;
  python.object_type = 8;       // Include/object.h: PyObject.ob_type
  python.code_first_line = 72;  // Include/cpython/code.h: _PyCode_DEF
  python.code_filename = 112;
  python.code_name = 120;
  python.code_qualname = 128;
  python.code_line_table = 136;
  python.code_start = 184;
  python.bytes_size = 16;      // Include/object.h: PyVarObject.ob_size
  python.bytes_data = 32;      // Include/cpython/bytesobject.h: PyBytesObject.ob_sval
  python.unicode_length = 16;  // Include/cpython/unicodeobject.h: PyASCIIObject
  python.unicode_state = 32;
  python.unicode_ascii_data = 48;  // with wstr still
  python.unicode_compact_data = 72;
  python.text_kind_shift = 2;
  python.lines = GP_PYTHON_LOCATIONS;
  python.thread_bytes = 160;
  python.frame_bytes = 72;
  python.code_bytes = 144;
  return python;
}

gp_python python_3_12() {
  gp_python python = python_3_11();
  python.version = kPython312;
  python.threads_head = 72;
  python.modules = 944;
  python.collecting = 312;
  python.thread_id = 136;
  python.thread_status = 24;
  python.cframe_frame = 0;
  python.frame_code = 0;
  python.frame_previous = 8;
  python.frame_entry = 70;  // owner, enum _frameowner: FRAME_OWNED_BY_CSTACK
  python.entry_value = 3;
  python.entry_is_frame = 0;
  python.code_first_line = 68;
  python.code_start = 192;
  python.unicode_ascii_data = 40;
  python.unicode_compact_data = 56;
  return python;
}

// Frames are objects: Include/frameobject.h (3.9, 3.10: Include/cpython/frameobject.h), struct _frame.
gp_python python_3_9() {
  gp_python python = python_3_11();
  python.version = 0x0309;
  python.interpreters_head = 32;
  python.threads_head = 8;
  python.modules = 856;
  python.collecting = 816;
  python.thread_id = 176;
  python.thread_frame = 24;
  python.frame_indirect = 0;
  python.cframe_frame = 0;
  python.object_frames = 1;
  python.frame_code = 32;
  python.frame_previous = 24;
  python.frame_instruction = 104;
  python.frame_generator = 96;
  python.frame_locals = 360;
  python.frame_entry = 0;
  python.entry_value = 0;
  python.entry_is_frame = 0;
  python.code_arguments = 16;  // Include/code.h (3.8, 3.9: Include/cpython/code.h)
  python.code_first_line = 40;
  python.code_filename = 104;
  python.code_name = 112;
  python.code_qualname = 112;
  python.code_line_table = 120;
  python.code_start = 176;
  python.function_code = 16;  // Include/funcobject.h
  python.function_qualname = 104;
  python.generator_qualname = 56;  // Include/genobject.h
  python.lines = GP_PYTHON_LNOTAB;
  python.thread_bytes = 184;
  python.frame_bytes = 112;
  python.code_bytes = 128;
  return python;
}

gp_python python_3_10() {
  gp_python python = python_3_9();
  python.version = kPython310;
  python.frame_instruction = 96;
  python.frame_generator = 88;
  python.frame_locals = 352;
  python.function_code = 48;
  python.function_qualname = 40;
  python.generator_qualname = 48;
  python.lines = GP_PYTHON_LINETABLE;
  return python;
}

gp_python python_3_8() {
  gp_python python = python_3_9();
  python.version = 0x0308;
  python.modules = 56;
  python.collecting = 544;  // _PyRuntimeState.gc.collecting, Include/internal/pycore_pymem.h
  python.collecting_in_runtime = 1;
  return python;
}

gp_python python_3_7() {
  gp_python python = python_3_8();
  python.version = kPython37;
  python.modules = 40;
  python.interpreters_head = 24;  // Include/internal/pystate.h
  python.collecting = 632;
  python.code_first_line = 36;
  python.code_filename = 96;
  python.code_name = 104;
  python.code_qualname = 104;
  python.code_line_table = 112;
  python.code_start = 144;
  python.code_bytes = 120;
  return python;
}

// No _PyRuntime yet: the list of interpreters begins at a variable of its own.
gp_python python_3_6() {
  gp_python python = python_3_7();
  python.version = kPython36;
  python.modules = 16;
  python.interpreters_head = 0;
  python.collecting = 0;
  python.collecting_in_runtime = 0;
  python.thread_id = 152;
  python.frame_instruction = 120;
  python.frame_generator = 112;
  python.frame_locals = 376;
  python.frame_bytes = 128;
  return python;
}

gp_python python_2_7() {
  gp_python python = python_3_6();
  python.version = kPython27;
  python.thread_next = 0;
  python.thread_interpreter = 8;
  python.thread_id = 144;
  python.thread_frame = 16;
  python.frame_generator = 0;
  python.code_first_line = 96;
  python.code_filename = 80;
  python.code_name = 88;
  python.code_qualname = 88;
  python.code_line_table = 104;
  python.code_start = 128;
  python.code_bytes = 112;
  python.bytes_data = 36;  // Include/stringobject.h: PyStringObject.ob_sval
  python.text_is_bytes = 1;
  python.function_qualname = 0;
  python.generator_qualname = 0;
  python.type_name = 856;  // Include/object.h: PyHeapTypeObject.ht_name
  python.lines = GP_PYTHON_LNOTAB_SMALL;
  return python;
}

bool fits(uint64_t offset, uint64_t size, uint64_t limit) { return offset % size == 0 && offset + size <= limit; }

bool words_fit(std::initializer_list<uint16_t> offsets, uint64_t limit) {
  for (const uint16_t offset : offsets)
    if (!fits(offset, 8, limit)) return false;
  return true;
}

}  // namespace

std::optional<gp_python> offsets_of(uint16_t version) {
  switch (version) {
    case kPython27: return python_2_7();
    case kPython36: return python_3_6();
    case kPython37: return python_3_7();
    case 0x0308: return python_3_8();
    case 0x0309: return python_3_9();
    case kPython310: return python_3_10();
    case kPython311: return python_3_11();
    case kPython312: return python_3_12();
    default: return std::nullopt;
  }
}

uint64_t code_size_of(const gp_python& python) { return python.code_start; }

bool offsets_are_sane(const gp_python& python) {
  if (python.thread_bytes > GP_PYTHON_MAX_BYTES || python.frame_bytes > GP_PYTHON_MAX_BYTES ||
      python.code_bytes > GP_PYTHON_MAX_BYTES)
    return false;
  const uint64_t instruction_bytes = python.object_frames != 0 ? 4 : 8;
  return words_fit({python.thread_next, python.thread_id, python.thread_frame}, python.thread_bytes) &&
         fits(python.thread_status, 4, python.thread_bytes) &&
         words_fit({python.frame_code, python.frame_previous, python.frame_generator}, python.frame_bytes) &&
         fits(python.frame_instruction, instruction_bytes, python.frame_bytes) &&
         fits(python.frame_entry, 1, python.frame_bytes) && fits(python.frame_bytecode, 4, python.frame_bytes) &&
         (python.frame_bytecode == 0 || python.code_copies >= python.code_bytes) &&
         words_fit(
             {python.object_type, python.code_name, python.code_qualname, python.code_filename, python.code_line_table},
             python.code_bytes) &&
         fits(python.code_first_line, 4, python.code_bytes) && fits(python.code_arguments, 4, python.code_bytes) &&
         (python.text_is_bytes != 0 || (fits(python.unicode_length, 8, GP_PYTHON_UNICODE_BYTES) &&
                                        fits(python.unicode_state, 4, GP_PYTHON_UNICODE_BYTES))) &&
         python.code_start >= python.code_bytes;
}

}  // namespace gp::runtimes::python
