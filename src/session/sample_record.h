// A sample as it lies in the kernel's ring, taken apart within the record's bounds. Owner thread: whoever holds the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "bpf/abi/sample.h"
#include "profile/quality.h"

namespace gp::session {

// Views the record.
struct SampleRecord {
  gp_sample header;
  std::span<const gp_frame> frames;   // leaf first, native or interpreted, as far as they are in order
  std::span<const gp_frame> pending;  // the interpreter's, not yet between the native ones
  std::span<const uint64_t> kernel;   // addresses, leaf first
};

// How a walk ended, in the profile's words.
profile::WalkEnd walk_end(gp_walk_end end);

// A whole GP_RECORD_SAMPLE, 8-byte aligned as records of the ring are; nothing when its counts do not fit in it.
std::optional<SampleRecord> parse_sample(Bytes record);

}  // namespace gp::session
