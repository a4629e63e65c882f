// /proc/PID/maps, line by line, in constant memory: a process may have 100,000 mappings.
// Owner thread: whoever reads. Format: proc(5); fs/proc/task_mmu.c, show_map_vma.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gp::os {

// One mapping. `path` points into the line it was parsed from.
struct MapsEntry {
  uint64_t start = 0;  // addresses in the process; start < end
  uint64_t end = 0;
  uint64_t offset = 0;  // file offset of start, bytes
  uint64_t inode = 0;   // 0: not a file
  uint32_t dev_major = 0;
  uint32_t dev_minor = 0;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  bool shared = false;
  // As printed: a newline in a file name reads "\012" and a deleted file ends in " (deleted)"; neither can be told
  // from a name that really holds that text, so whoever opens a file checks device and inode.
  std::string_view path;  // also "[heap]", "[vdso]", "[anon:…]", or empty
};

// One line without its newline.
std::optional<MapsEntry> parse_maps_line(std::string_view line);

// What became of a whole file.
struct MapsScan {
  uint64_t entries = 0;    // handed to the callback
  uint64_t malformed = 0;  // lines that did not parse, or were longer than a page of paths
};

using MappingCallback = std::function<bool(const MapsEntry&)>;  // false: stop here

// Cuts chunks of a maps file into entries. Lines of more than 32 KiB are counted as malformed and dropped.
class MapsParser {
 public:
  explicit MapsParser(MappingCallback callback) : callback_(std::move(callback)) {}

  bool feed(std::string_view chunk);  // false: the callback wants no more
  [[nodiscard]] const MapsScan& scan() const { return scan_; }

 private:
  bool line(std::string_view text);

  MappingCallback callback_;
  std::string partial_;     // start of a line whose end is in a later chunk
  bool oversized_ = false;  // dropping the rest of a line
  MapsScan scan_;
};

// Every mapping of a process, ascending. Fails when the process is gone (kNotFound) or may not be read
// (kPermission). A process without an address space (kernel thread, zombie) has none.
Result<MapsScan> for_each_mapping(int32_t pid, const MappingCallback& callback);

}  // namespace gp::os
