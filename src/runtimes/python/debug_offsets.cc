#include "runtimes/python/debug_offsets.h"

#include <algorithm>
#include <cstring>

#include "runtimes/python/offsets.h"

namespace gp::runtimes::python {
namespace {

// Words of _Py_DebugOffsets after the cookie: those that are used, by version.
struct Words {
  size_t interpreters_head, interpreter_next, threads_head, gc, modules;
  size_t thread_next, thread_interpreter, thread_frame, thread_id, thread_status;
  size_t frame_previous, frame_executable, frame_instruction, frame_locals, frame_owner;
  size_t code_filename, code_name, code_qualname, code_line_table, code_first_line, code_start;
  size_t object_type, bytes_size, bytes_data, unicode_state, unicode_length, unicode_ascii_size, gc_collecting;
  size_t frame_bytecode = 0;  // tlbc_index and co_tlbc: 0 in builds with the interpreter's lock
  size_t code_copies = 0;
};
constexpr size_t kVersion = 0;
constexpr size_t kFreeThreaded = 1;
constexpr Words k313{.interpreters_head = 4,
                     .interpreter_next = 7,
                     .threads_head = 8,
                     .gc = 9,
                     .modules = 10,
                     .thread_next = 20,
                     .thread_interpreter = 21,
                     .thread_frame = 22,
                     .thread_id = 23,
                     .thread_status = 26,
                     .frame_previous = 28,
                     .frame_executable = 29,
                     .frame_instruction = 30,
                     .frame_locals = 31,
                     .frame_owner = 32,
                     .code_filename = 34,
                     .code_name = 35,
                     .code_qualname = 36,
                     .code_line_table = 37,
                     .code_first_line = 38,
                     .code_start = 42,
                     .object_type = 44,
                     .bytes_size = 64,
                     .bytes_data = 65,
                     .unicode_state = 67,
                     .unicode_length = 68,
                     .unicode_ascii_size = 69,
                     .gc_collecting = 71};
constexpr Words k314{.interpreters_head = 4,
                     .interpreter_next = 7,
                     .threads_head = 8,
                     .gc = 10,
                     .modules = 11,
                     .thread_next = 23,
                     .thread_interpreter = 24,
                     .thread_frame = 25,
                     .thread_id = 26,
                     .thread_status = 29,
                     .frame_previous = 31,
                     .frame_executable = 32,
                     .frame_instruction = 33,
                     .frame_locals = 34,
                     .frame_owner = 35,
                     .code_filename = 39,
                     .code_name = 40,
                     .code_qualname = 41,
                     .code_line_table = 42,
                     .code_first_line = 43,
                     .code_start = 47,
                     .object_type = 50,
                     .bytes_size = 74,
                     .bytes_data = 75,
                     .unicode_state = 77,
                     .unicode_length = 78,
                     .unicode_ascii_size = 79,
                     .gc_collecting = 81,
                     .frame_bytecode = 37,
                     .code_copies = 48};

// Takes offsets from the table; remembers whether one was absurd.
class Table {
 public:
  explicit Table(Bytes bytes) : bytes_(bytes) {}
  [[nodiscard]] bool ok() const { return ok_; }
  uint16_t at(size_t word) {
    const auto value = read_at<uint64_t>(bytes_, kDebugCookieBytes + word * 8).value_or(UINT64_MAX);
    ok_ = ok_ && value <= UINT16_MAX;
    return static_cast<uint16_t>(value);
  }

 private:
  Bytes bytes_;
  bool ok_ = true;
};

// What the table does not say is as the headers have it: pycore_frame.h, pycore_gc.h and unicodeobject.h of 3.13,
// pycore_interpframe_structs.h of 3.14; offsets_test.cc compares.
gp_python offsets_by(const Words& words, Table& table, bool free_threaded) {
  gp_python python{};
  python.interpreters_head = table.at(words.interpreters_head);
  python.interpreter_next = table.at(words.interpreter_next);
  python.threads_head = table.at(words.threads_head);
  python.modules = table.at(words.modules);
  // Without a lock others run native code meanwhile, and nothing says which thread collects.
  if (!free_threaded) python.collecting = uint32_t{table.at(words.gc)} + table.at(words.gc_collecting);
  python.thread_next = table.at(words.thread_next);
  python.thread_interpreter = table.at(words.thread_interpreter);
  python.thread_frame = table.at(words.thread_frame);
  python.thread_id = table.at(words.thread_id);
  python.thread_status = table.at(words.thread_status);
  python.frame_previous = table.at(words.frame_previous);
  python.frame_code = table.at(words.frame_executable);
  python.frame_instruction = table.at(words.frame_instruction);
  python.frame_entry = table.at(words.frame_owner);
  python.entry_value = 3;  // 3.13: FRAME_OWNED_BY_CSTACK; 3.14: FRAME_OWNED_BY_INTERPRETER
  if (words.frame_bytecode != 0) python.frame_bytecode = table.at(words.frame_bytecode);
  if (words.code_copies != 0) python.code_copies = table.at(words.code_copies);
  python.code_filename = table.at(words.code_filename);
  python.code_name = table.at(words.code_name);
  python.code_qualname = table.at(words.code_qualname);
  python.code_line_table = table.at(words.code_line_table);
  python.code_first_line = table.at(words.code_first_line);
  python.code_start = table.at(words.code_start);
  python.object_type = table.at(words.object_type);
  python.bytes_size = table.at(words.bytes_size);
  python.bytes_data = table.at(words.bytes_data);
  python.unicode_state = table.at(words.unicode_state);
  python.unicode_length = table.at(words.unicode_length);
  python.unicode_ascii_data = table.at(words.unicode_ascii_size);
  // PyCompactUnicodeObject adds utf8_length and utf8 (Include/cpython/unicodeobject.h).
  python.unicode_compact_data = static_cast<uint16_t>(python.unicode_ascii_data + 16);
  python.text_kind_shift = free_threaded && words.code_copies != 0 ? 8 : 2;  // 3.14t: `interned` is a byte
  python.lines = GP_PYTHON_LOCATIONS;
  python.thread_bytes = 168;
  // All but locals and the stack.
  python.frame_bytes = static_cast<uint8_t>(std::min<unsigned>(table.at(words.frame_locals), UINT8_MAX));
  python.code_bytes = free_threaded ? 160 : 144;  // PyObject is 16 bytes longer: Include/object.h
  return python;
}

}  // namespace

bool is_free_threaded(Bytes runtime) {
  return read_at<uint64_t>(runtime, kDebugCookieBytes + kFreeThreaded * 8).value_or(0) != 0;
}

Result<gp_python> read_debug_offsets(Bytes runtime) {
  if (runtime.size() < kDebugOffsetsBytes) return fail(ErrorCode::kMalformed, "_PyRuntime is too short");
  if (std::memcmp(runtime.data(), "xdebugpy", kDebugCookieBytes) != 0)
    return fail(ErrorCode::kMalformed, "_PyRuntime does not begin with its cookie");
  const auto version = read_at<uint64_t>(runtime, kDebugCookieBytes + kVersion * 8).value_or(0) >> 16U;
  if (version != kPython313 && version != kPython314)
    return fail(ErrorCode::kUnsupported, "offsets are of another version");
  Table table(runtime);
  gp_python python = offsets_by(version == kPython313 ? k313 : k314, table, is_free_threaded(runtime));
  python.version = static_cast<uint16_t>(version);
  if (!table.ok()) return fail(ErrorCode::kMalformed, "an offset in _PyRuntime is absurd");
  if (!offsets_are_sane(python)) return fail(ErrorCode::kMalformed, "offsets in _PyRuntime are out of bounds");
  return python;
}

}  // namespace gp::runtimes::python
