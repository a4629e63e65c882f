#include "runtimes/python/offsets.h"

#include <array>
#include <cstring>
#include <initializer_list>
#include <string_view>

namespace gp::runtimes::python {
namespace {

// Parts that are the same in all three versions. offsets_test.cc compares all of it with the compiler's view of the
// headers of installed interpreters.
gp_python common(uint16_t version) {
  gp_python python{};
  python.version = version;
  python.thread_next = 8;         // Include/cpython/pystate.h: struct _ts
  python.frame_instruction = 56;  // Include/internal/pycore_frame.h: _PyInterpreterFrame.prev_instr / instr_ptr
  python.object_type = 8;         // Include/object.h: PyObject.ob_type
  python.code_filename = 112;     // Include/cpython/code.h: _PyCode_DEF
  python.code_name = 120;
  python.code_qualname = 128;
  python.code_line_table = 136;
  python.bytes_size = 16;      // Include/object.h: PyVarObject.ob_size
  python.bytes_data = 32;      // Include/cpython/bytesobject.h: PyBytesObject.ob_sval
  python.unicode_length = 16;  // Include/cpython/unicodeobject.h: PyASCIIObject
  python.unicode_state = 32;
  return python;
}

gp_python python_3_11() {
  gp_python python = common(kPython311);
  python.interpreters_head = 40;  // Include/internal/pycore_runtime.h: pyruntimestate.interpreters.head
  python.interpreter_next = 0;    // Include/internal/pycore_interp.h: struct _is
  python.threads_head = 16;
  python.thread_id = 152;    // Include/cpython/pystate.h: struct _ts
  python.thread_frame = 56;  // cframe
  python.frame_indirect = 1;
  python.cframe_frame = 8;  // Include/cpython/pystate.h: _PyCFrame
  python.frame_code = 32;   // Include/internal/pycore_frame.h: f_code
  python.frame_previous = 48;
  python.frame_entry = 68;  // is_entry, a bool
  python.entry_value = 1;
  python.entry_is_frame = 1;
  python.code_first_line = 72;  // Include/cpython/code.h: _PyCode_DEF
  python.code_start = 184;
  python.unicode_ascii_data = 48;  // Include/cpython/unicodeobject.h: with wstr still
  python.unicode_compact_data = 72;
  return python;
}

// From 3.12 on: Include/internal/pycore_frame.h, enum _frameowner: FRAME_OWNED_BY_CSTACK.
void set_shim_frames(gp_python& python) {
  python.frame_entry = 70;  // owner
  python.entry_value = 3;
  python.entry_is_frame = 0;
}

gp_python python_3_12() {
  gp_python python = common(kPython312);
  python.interpreters_head = 40;
  python.interpreter_next = 0;
  python.threads_head = 72;
  python.thread_id = 136;
  python.thread_status = 24;
  python.thread_frame = 56;
  python.frame_indirect = 1;
  python.cframe_frame = 0;
  python.frame_code = 0;
  python.frame_previous = 8;
  set_shim_frames(python);
  python.code_first_line = 68;
  python.code_start = 192;
  python.unicode_ascii_data = 40;
  python.unicode_compact_data = 56;
  return python;
}

// Words of _Py_DebugOffsets of 3.13 after the cookie, in order; only those that are used are named.
enum Word : size_t {
  kVersion = 0,
  kFreeThreaded = 1,
  kInterpretersHead = 4,
  kInterpreterNext = 7,
  kThreadsHead = 8,
  kThreadNext = 20,
  kThreadFrame = 22,
  kThreadId = 23,
  kThreadStatus = 26,
  kFramePrevious = 28,
  kFrameExecutable = 29,
  kFrameInstruction = 30,
  kFrameOwner = 32,
  kCodeFilename = 34,
  kCodeName = 35,
  kCodeQualname = 36,
  kCodeLineTable = 37,
  kCodeFirstLine = 38,
  kCodeStart = 42,
  kObjectType = 44,
  kBytesSize = 64,
  kBytesData = 65,
  kUnicodeState = 67,
  kUnicodeLength = 68,
  kUnicodeAsciiSize = 69,
};

bool fits(uint64_t offset, uint64_t size, uint64_t limit) { return offset % size == 0 && offset + size <= limit; }

}  // namespace

std::optional<gp_python> offsets_of(uint16_t version) {
  if (version == kPython311) return python_3_11();
  if (version == kPython312) return python_3_12();
  return std::nullopt;
}

bool is_free_threaded(Bytes runtime) {
  return read_at<uint64_t>(runtime, kDebugCookieBytes + kFreeThreaded * 8).value_or(0) != 0;
}

Result<gp_python> read_debug_offsets(Bytes runtime) {
  std::array<uint64_t, (kDebugOffsetsBytes - kDebugCookieBytes) / 8> words{};
  if (runtime.size() < kDebugOffsetsBytes) return fail(ErrorCode::kMalformed, "_PyRuntime is too short");
  if (std::memcmp(runtime.data(), "xdebugpy", kDebugCookieBytes) != 0)
    return fail(ErrorCode::kMalformed, "_PyRuntime does not begin with its cookie");
  std::memcpy(words.data(), runtime.data() + kDebugCookieBytes, sizeof(words));
  if (words[kVersion] >> 16U != kPython313) return fail(ErrorCode::kUnsupported, "offsets are of another version");
  if (is_free_threaded(runtime)) return fail(ErrorCode::kUnsupported, "free-threaded build");
  // Whatever is used must fit the narrowest field it goes to; offsets_are_sane() says the rest.
  for (const size_t word :
       {kInterpretersHead, kInterpreterNext, kThreadsHead,     kThreadNext,       kThreadFrame,     kThreadId,
        kThreadStatus,     kFramePrevious,   kFrameExecutable, kFrameInstruction, kFrameOwner,      kCodeFilename,
        kCodeName,         kCodeQualname,    kCodeLineTable,   kCodeFirstLine,    kCodeStart,       kObjectType,
        kBytesSize,        kBytesData,       kUnicodeState,    kUnicodeLength,    kUnicodeAsciiSize})
    if (words[word] > UINT16_MAX) return fail(ErrorCode::kMalformed, "an offset in _PyRuntime is absurd");
  const auto at = [&words](Word word) { return static_cast<uint16_t>(words[word]); };

  gp_python python = common(kPython313);
  python.interpreters_head = at(kInterpretersHead);
  python.interpreter_next = at(kInterpreterNext);
  python.threads_head = at(kThreadsHead);
  python.thread_next = at(kThreadNext);
  python.thread_frame = at(kThreadFrame);
  python.thread_id = at(kThreadId);
  python.thread_status = at(kThreadStatus);
  python.frame_previous = at(kFramePrevious);
  python.frame_code = at(kFrameExecutable);
  python.frame_instruction = at(kFrameInstruction);
  set_shim_frames(python);
  python.frame_entry = at(kFrameOwner);
  python.code_filename = at(kCodeFilename);
  python.code_name = at(kCodeName);
  python.code_qualname = at(kCodeQualname);
  python.code_line_table = at(kCodeLineTable);
  python.code_first_line = at(kCodeFirstLine);
  python.code_start = at(kCodeStart);
  python.object_type = at(kObjectType);
  python.bytes_size = at(kBytesSize);
  python.bytes_data = at(kBytesData);
  python.unicode_state = at(kUnicodeState);
  python.unicode_length = at(kUnicodeLength);
  python.unicode_ascii_data = at(kUnicodeAsciiSize);
  // PyCompactUnicodeObject adds utf8_length and utf8 (Include/cpython/unicodeobject.h).
  python.unicode_compact_data = static_cast<uint16_t>(at(kUnicodeAsciiSize) + 16);
  if (!offsets_are_sane(python)) return fail(ErrorCode::kMalformed, "offsets in _PyRuntime are out of bounds");
  return python;
}

bool offsets_are_sane(const gp_python& python) {
  for (const uint16_t offset : {python.thread_next, python.thread_id, python.thread_frame})
    if (!fits(offset, 8, GP_PYTHON_THREAD_BYTES)) return false;
  for (const uint16_t offset : {python.frame_code, python.frame_previous, python.frame_instruction})
    if (!fits(offset, 8, GP_PYTHON_FRAME_BYTES)) return false;
  for (const uint16_t offset :
       {python.object_type, python.code_name, python.code_qualname, python.code_filename, python.code_line_table})
    if (!fits(offset, 8, GP_PYTHON_CODE_BYTES)) return false;
  return fits(python.thread_status, 4, GP_PYTHON_THREAD_BYTES) && fits(python.frame_entry, 1, GP_PYTHON_FRAME_BYTES) &&
         fits(python.code_first_line, 4, GP_PYTHON_CODE_BYTES) &&
         fits(python.unicode_length, 8, GP_PYTHON_UNICODE_BYTES) &&
         fits(python.unicode_state, 4, GP_PYTHON_UNICODE_BYTES) && python.code_start >= GP_PYTHON_CODE_BYTES;
}

}  // namespace gp::runtimes::python
