// Where the fields are that the walker reads: by version for 3.11 and 3.12, from the interpreter's own description
// for 3.13.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "bpf/abi/python.h"

namespace gp::runtimes::python {

inline constexpr uint16_t kPython311 = 0x030b;
inline constexpr uint16_t kPython312 = 0x030c;
inline constexpr uint16_t kPython313 = 0x030d;

// PyTypeObject.tp_basicsize: PyVarObject (24 bytes) and tp_name come before it (Include/cpython/object.h).
inline constexpr uint64_t kTypeBasicSize = 32;
// PyThreadState.interp: after prev and next, in all three versions (Include/cpython/pystate.h).
inline constexpr uint64_t kThreadInterpreter = 16;

// A version's offsets without addresses. Nothing for versions that have no table (3.13: read_debug_offsets).
std::optional<gp_python> offsets_of(uint16_t version);

// First bytes of _PyRuntime from 3.13 on: cookie, version and a table of offsets (_Py_DebugOffsets,
// Include/internal/pycore_runtime.h of 3.13).
inline constexpr size_t kDebugOffsetsBytes = 8 + 70 * 8;
inline constexpr size_t kDebugCookieBytes = 8;

// The build has no global lock ("3.13t"): other object headers, other frames. `runtime`: as below.
bool is_free_threaded(Bytes runtime);
// kUnsupported for another version or a free-threaded build, kMalformed when cookie or offsets make no sense.
Result<gp_python> read_debug_offsets(Bytes runtime);

// Checks that every field lies in the part of its object that the walker reads.
bool offsets_are_sane(const gp_python& python);

}  // namespace gp::runtimes::python
