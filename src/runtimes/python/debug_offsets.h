// Offsets as the interpreter describes them itself: the first bytes of _PyRuntime from 3.13 on are a cookie, the version
// and a table (_Py_DebugOffsets: Include/internal/pycore_runtime.h of 3.13, pycore_debug_offsets.h of 3.14).
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "bpf/abi/python.h"

namespace gp::runtimes::python {

inline constexpr size_t kDebugCookieBytes = 8;
inline constexpr size_t kDebugOffsetsBytes = kDebugCookieBytes + 82 * 8;  // up to the last word that is used

// The build has no global lock ("3.13t"): longer object headers, 3.14t also other frames. `runtime`: as below.
bool is_free_threaded(Bytes runtime);
// kUnsupported for another version, kMalformed when cookie or offsets make no sense.
Result<gp_python> read_debug_offsets(Bytes runtime);

}  // namespace gp::runtimes::python
