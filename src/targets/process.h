// A live (or just ended) process as the agent knows it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.h"
#include "targets/code_file.h"
#include "targets/kernel_processes.h"
#include "targets/mapping_table.h"
#include "targets/replacement.h"

namespace gp::targets {

// What a process runs, from one exec to the next: stays the same for samples already taken when the process execs.
// Owner thread: reader; sessions keep it to name and label samples.
struct Program {
  ProcessKey key;
  std::string comm;          // the exec comm
  std::string executable;    // path in its own mount namespace, may be empty
  std::string container_id;  // 64 hex digits or empty
  struct FoundRuntime {
    uint32_t kind = GP_RUNTIME_NONE;  // enum gp_runtime
    std::string text;                 // "python 3.11", for people
    std::string version;              // as RuntimeFile::full_version
    bool supported = true;
  };
  std::vector<FoundRuntime> runtimes;  // at most one of a kind
  int32_t namespace_pid = 0;           // its pid in its own pid namespace; 0: not known
  uint64_t exec_ns = 0;                // when it began, of CLOCK_MONOTONIC; 0: with the process, as far as is known

  [[nodiscard]] const FoundRuntime* runtime(uint32_t kind) const {
    const auto found = std::ranges::find(runtimes, kind, &FoundRuntime::kind);
    return found == runtimes.end() ? nullptr : &*found;
  }
};

// The kernel and the sideband tell a fork's time a little apart.
inline bool same_start(uint64_t a, uint64_t b) { return (a > b ? a - b : b - a) <= uint64_t{GP_START_SLACK_TICKS}; }

// Owner thread: reader.
struct Process {
  ProcessKey key;
  int32_t parent_pid = 0;
  std::shared_ptr<Program> program;
  // A program it ran before, until an exec, and the mappings that had.
  struct Past {
    uint64_t ended_ns = 0;
    std::shared_ptr<Program> program;
    std::shared_ptr<const MappingRun> run;
  };
  std::vector<Past> past;  // newest last; samples taken before an exec are read after it. The last few only
  MappingTable mappings;
  Replacements replaced;                  // of those, lately
  std::shared_ptr<const MappingRun> run;  // as the walker sees them
  uint32_t sessions = 0;                  // bit n: session n samples it
  bool dirty = false;                     // mappings changed since `run` was made; it is in Targets' list then
  uint64_t published_ns = 0;              // when `run` was made
  RuntimeIndexes runtimes{};              // in the walker's table
  std::vector<const CodeFile*> patterns;  // those of its files whose PCRE its entry knows; identity only
  uint64_t rescan_due_ns = 0;             // /proc/PID/maps is not read again before
  uint64_t attach_ns = 0;                 // when a runtime was last asked to attach
  uint64_t perf_map_ns = 0;               // when its perf map was last asked for; UINT64_MAX: it is open

  // What it ran at a time of CLOCK_MONOTONIC.
  [[nodiscard]] std::shared_ptr<const Program> program_at(uint64_t time_ns) const {
    const Past* before = past_at(time_ns);
    return before != nullptr ? before->program : program;
  }
  // And what was mapped then; null: not known.
  [[nodiscard]] std::shared_ptr<const MappingRun> run_at(uint64_t time_ns) const {
    if (const Past* before = past_at(time_ns)) return before->run;
    if (!run) return run;
    auto then = replaced.before(time_ns, run->mappings);
    if (!then) return run;
    // As it was, and in no table any more.
    return std::make_shared<const MappingRun>(MappingRun{.mappings = std::move(*then), .first = 0, .word = 0});
  }
  [[nodiscard]] const Past* past_at(uint64_t time_ns) const {
    for (const Past& before : past) {
      if (time_ns < before.ended_ns) return &before;
    }
    return nullptr;
  }
};

}  // namespace gp::targets
