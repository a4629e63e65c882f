// A copy of a file's debug sections, decompressed, as an ELF file of its own in memory. libdw would decompress them in
// place, which a read-only mapping does not allow, and the version of Debian 12 knows no zstd.
// Owner thread: none (functions).
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "elf/image.h"

namespace gp::elf {

// What debug sections a file has and what reading them takes.
struct DebugSizes {
  uint64_t file_bytes = 0;    // as they lie in the file
  uint64_t memory_bytes = 0;  // decompressed
  bool compressed = false;    // some are
};
DebugSizes debug_sizes(const Image& image);

// kLimit above `max_bytes`, kMalformed when a section does not decompress.
Result<std::vector<uint8_t>> decompressed_debug_sections(const Image& image, uint64_t max_bytes);

}  // namespace gp::elf
