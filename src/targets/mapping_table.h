// The executable mappings of one process. Owner thread: reader.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>

#include "targets/code_file.h"

namespace gp::targets {

// An executable mapping and the file behind it; no file: anonymous memory, its own or shared with other processes.
struct Mapping {
  uint64_t start = 0;
  uint64_t end = 0;
  uint64_t offset = 0;
  std::shared_ptr<CodeFile> file;
  bool shared = false;

  bool operator==(const Mapping&) const = default;
};

// Memory without a file: its code is some JIT's. Named mappings that are no files have inode 0 as well.
inline bool is_vdso(std::string_view path) { return path == "[vdso]"; }
// Memory that is shared but no file: what mmap(2) makes of MAP_SHARED | MAP_ANONYMOUS shows as that device (mm/shmem.c,
// shmem_zero_setup()), each with an inode of its own.
inline bool is_shared_memory(std::string_view path) { return path == "/dev/zero" || path == "/dev/zero (deleted)"; }

// By start, without overlaps.
using MappingTable = std::map<uint64_t, Mapping>;

[[nodiscard]] bool holds(const MappingTable& table, uint64_t address);

// Puts a mapping over whatever was there, as mmap(2) does with MAP_FIXED: what lies under it is cut or goes. False when
// that is more than the walker's table takes: it is left out then, or, where it lies over others, the mappings at the
// highest addresses are given up.
bool put_mapping(MappingTable& table, Mapping mapping);

}  // namespace gp::targets
