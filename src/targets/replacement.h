// A mapping that took the place of another. Between the event and the moment the walker's table shows it, samples are
// walked as if the file before were still there; what they say of it is put right when they are read.
// Owner thread: reader.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bpf/abi/sample.h"
#include "bpf/abi/tables.h"
#include "targets/mapping_table.h"

namespace gp::targets {

struct Replacement {
  uint64_t begun_ns = 0;  // CLOCK_MONOTONIC, when it was mapped
  uint64_t shown_ns = 0;  // when the walker's table had it; 0: not yet
  uint64_t start = 0;     // of what both mappings cover
  uint64_t size = 0;
  uint32_t old_file = 0;  // slots
  uint64_t old_offset = 0;
  uint32_t new_file = 0;
  uint64_t new_offset = 0;
};

// The last few of a process.
class Replacements {
 public:
  // Samples wait a tenth of a second in the ring: a process that swaps libraries each 2 ms is still put right.
  static constexpr size_t kKept = 64;

  // To be called before `mapping` is put into the table.
  void note(const MappingTable& table, const Mapping& mapping, uint64_t time_ns);
  void shown(uint64_t now_ns);
  void clear() { list_.clear(); }
  [[nodiscard]] bool concern(uint64_t time_ns) const;
  // Native frames of a sample of that time that lie in a mapping that was not there any more get the one that was.
  void correct(uint64_t time_ns, std::span<gp_frame> frames) const;
  // What `now` was at an earlier time; nothing: the same.
  [[nodiscard]] std::optional<std::vector<gp_mapping>> before(uint64_t time_ns, std::span<const gp_mapping> now) const;

 private:
  std::vector<Replacement> list_;  // oldest first
};

}  // namespace gp::targets
