// The walker's table of processes and their executable mappings, written by plain stores while the kernel reads it.
// A process' mappings are one immutable run in the mapping pool, shared by forked children, replaced as a whole and
// reused only after a grace period. Owner thread: reader.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "walk/range_pool.h"
#include "walk/tables.h"

namespace gp::targets {

// Sorted executable mappings of a process, as one run of the pool. Shared by all processes that have the same, and by
// deferred samples: whichever thread drops it last gives its range back.
struct MappingRun {
  std::vector<gp_mapping> mappings;
  uint32_t first = 0;
  uint64_t word = 0;  // gp_process.mappings; 0: not in the pool (no room, or empty)
};

// By enum gp_runtime: 1 + index into the walker's table of runtimes, 0: none.
using RuntimeIndexes = std::array<uint16_t, GP_RUNTIME_SLOTS>;

class KernelProcesses {
 public:
  explicit KernelProcesses(walk::Tables* tables);

  // Places mappings (sorted, at most GP_MAPPINGS_PER_PROCESS) in the pool. Without room the run exists for native walks
  // only, and samples of its processes are deferred; counted.
  std::shared_ptr<const MappingRun> make_run(std::vector<gp_mapping> mappings);

  struct Entry {
    ProcessKey key;
    uint64_t mappings = 0;
    uint32_t sessions = 0;  // that sample it
    RuntimeIndexes runtimes{};
    uint64_t exec_ns = 0;  // when what it runs began, of CLOCK_MONOTONIC, as far as is known
  };
  // Adds or updates; false when the process' bucket is full (its samples are deferred; counted).
  bool store(const Entry& entry);
  // Of an entry that is there.
  void set_sessions(ProcessKey key, uint32_t sessions);
  void remove(int32_t pid);
  // The kernel has seen an exec that store() was not told of (yet).
  [[nodiscard]] bool has_execed(int32_t pid);

  [[nodiscard]] uint64_t no_room() const { return no_room_; }
  [[nodiscard]] uint32_t pool_used() const;

 private:
  struct Pool {
    explicit Pool(uint32_t entries) : ranges(entries) {}
    std::mutex mutex;
    walk::RangePool ranges;
  };
  gp_process* find(int32_t pid, bool or_free);

  walk::Tables* tables_;
  std::shared_ptr<Pool> pool_;  // shared with the runs, which give their range back
  uint16_t generation_ = 0;
  uint64_t no_room_ = 0;
};

}  // namespace gp::targets
