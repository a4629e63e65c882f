// Decoding of perf ring buffers that carry sideband: what processes map, exec, fork and exit. Pure functions over
// bytes. Layouts: perf_event_open(2) and include/uapi/linux/perf_event.h. Owner thread: whoever holds the bytes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <variant>

#include "base/bytes.h"

namespace gp::os {

// The fields every sideband record ends in (sample_id_all with TID, TIME and CPU): pid, tid, time, cpu, reserved.
inline constexpr size_t kSampleIdBytes = 24;

// A file (or anonymous memory) was mapped executable.
struct MmapEvent {
  int32_t pid = 0;
  int32_t tid = 0;
  uint64_t address = 0;  // in the process
  uint64_t length = 0;   // bytes
  uint64_t offset = 0;   // file offset of address, bytes
  // The kernel tells either the build id or the file's identity: with a build id, device and inode are 0.
  std::array<uint8_t, 20> build_id{};
  uint8_t build_id_bytes = 0;  // 0: none
  uint32_t dev_major = 0;
  uint32_t dev_minor = 0;
  uint64_t inode = 0;
  uint64_t inode_generation = 0;
  uint32_t protection = 0;  // PROT_*
  uint32_t flags = 0;       // MAP_*
  std::string_view path;    // "//anon" for anonymous memory; in the record's bytes
};

// A thread's name was set; with `exec`, because its process runs a new program.
struct CommEvent {
  int32_t pid = 0;
  int32_t tid = 0;
  bool exec = false;
  std::string_view name;  // in the record's bytes
};

// A process (pid != parent_pid) or a thread (equal) was born.
struct ForkEvent {
  int32_t pid = 0;
  int32_t parent_pid = 0;
  int32_t tid = 0;
  int32_t parent_tid = 0;
};

// A thread ended; the process with its last one.
struct ExitEvent {
  int32_t pid = 0;
  int32_t tid = 0;
};

// The ring was full: so many records are missing before this one.
struct LostEvent {
  uint64_t count = 0;
};

struct SidebandEvent {
  uint64_t time_ns = 0;  // CLOCK_MONOTONIC
  uint32_t cpu = 0;      // where it happened
  std::variant<MmapEvent, CommEvent, ForkEvent, ExitEvent, LostEvent> body;
};

// One whole record, header included. Nothing for kinds that are not asked for and for malformed ones.
std::optional<SidebandEvent> decode_sideband(Bytes record);

// What became of the bytes of a ring.
struct DrainCount {
  uint64_t events = 0;   // handed to the callback
  uint64_t ignored = 0;  // records of other kinds, or malformed ones
  bool corrupt = false;  // a size that cannot be: the rest was skipped
};

// Decodes the records in [tail, head) of a ring's data area. Positions count bytes for ever; `data.size()` is a
// power of two. A record that wraps round the end is joined in a copy.
DrainCount drain_records(Bytes data, uint64_t tail, uint64_t head,
                         const std::function<void(const SidebandEvent&)>& callback);

}  // namespace gp::os
