// Names of code that a runtime generated and wrote down in /tmp/perf-PID.map: lines "START SIZE name", hexadecimal
// (tools/perf/Documentation/jit-interface.txt). V8, HotSpot (jcmd Compiler.perfmap), .NET, BEAM, Julia and PHP write it.
//
// The file grows while its process runs and is read on from where the last reading ended; of overlapping entries the
// newer wins, since runtimes reuse memory. A file that shrank or was replaced is read anew. The process owns the file:
// its size, lines and numbers are bounded here, its names are taken as written.
//
// Owner thread: the closer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::symbols {

// Address ranges and their names; ranges never overlap.
class JitRanges {
 public:
  static constexpr size_t kMaxLineBytes = 4096;
  static constexpr size_t kMaxRanges = 200'000;
  static constexpr size_t kMaxNameBytes = size_t{16} << 20U;  // of all names together

  // One line of a perf map. Lines that do not parse, and what exceeds the limits, are counted and dropped.
  void add_line(std::string_view line);
  [[nodiscard]] std::optional<std::string_view> find(uint64_t pc) const;
  void clear() { *this = JitRanges(); }

  [[nodiscard]] size_t size() const { return ranges_.size(); }
  [[nodiscard]] uint64_t malformed() const { return malformed_; }
  [[nodiscard]] uint64_t dropped() const { return dropped_; }
  [[nodiscard]] size_t memory_bytes() const;

 private:
  struct Range {
    uint64_t end = 0;
    std::string name;
  };

  void make_room(uint64_t start, uint64_t end);
  void erase(std::map<uint64_t, Range>::iterator it);

  std::map<uint64_t, Range> ranges_;  // by start
  size_t name_bytes_ = 0;
  uint64_t malformed_ = 0;
  uint64_t dropped_ = 0;
};

// One process' perf map file, open: it can be read after the process ended.
class PerfMap {
 public:
  static constexpr uint64_t kMaxFileBytes = uint64_t{256} << 20U;      // a file beyond is read so far and no further
  static constexpr uint64_t kMaxBytesPerUpdate = uint64_t{64} << 20U;  // a second of work

  explicit PerfMap(os::UniqueFd fd) : fd_(std::move(fd)) {}

  // Opens the map of a process, as seen in its own root ("/proc/PID/root") and pid namespace. kNotFound when it wrote
  // none.
  static Result<os::UniqueFd> open(const std::string& root, int32_t namespace_pid);

  // Reads what was added since. Cheap when nothing was.
  Result<void> update();
  [[nodiscard]] std::optional<std::string_view> find(Pc pc) const { return ranges_.find(pc.value); }

  [[nodiscard]] const JitRanges& ranges() const { return ranges_; }
  [[nodiscard]] size_t memory_bytes() const { return ranges_.memory_bytes(); }

 private:
  os::UniqueFd fd_;
  uint64_t offset_ = 0;  // start of the first line not read yet
  JitRanges ranges_;
};

}  // namespace gp::symbols
