// Where the fields are that the walker reads: by version up to 3.12, from the interpreter's own description from 3.13 on.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "bpf/abi/python.h"

namespace gp::runtimes::python {

inline constexpr uint16_t kPython27 = 0x0207;
inline constexpr uint16_t kPython36 = 0x0306;
inline constexpr uint16_t kPython37 = 0x0307;
inline constexpr uint16_t kPython310 = 0x030a;
inline constexpr uint16_t kPython311 = 0x030b;
inline constexpr uint16_t kPython312 = 0x030c;
inline constexpr uint16_t kPython313 = 0x030d;
inline constexpr uint16_t kPython314 = 0x030e;

// PyTypeObject.tp_basicsize: PyVarObject (24 bytes) and tp_name come before it (Include/cpython/object.h).
inline constexpr uint64_t kTypeBasicSize = 32;

// A version's offsets without addresses. Nothing for versions that have no table (3.13, 3.14: read_debug_offsets).
std::optional<gp_python> offsets_of(uint16_t version);
// What PyCode_Type says of such a build's code objects: their size without instructions (tp_basicsize).
uint64_t code_size_of(const gp_python& python);

// Checks that every field lies in the part of its object that the walker reads.
bool offsets_are_sane(const gp_python& python);

}  // namespace gp::runtimes::python
