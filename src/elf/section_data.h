// Contents of a section: a view into the image, or decompressed bytes of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"

namespace gp::elf {

// Valid as long as itself and the image it came from. Owner thread: whoever made it.
class SectionData {
 public:
  explicit SectionData(Bytes view) : bytes_(view) {}
  SectionData(std::unique_ptr<uint8_t[]> owned, size_t size) : owned_(std::move(owned)), bytes_(owned_.get(), size) {}

  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] size_t owned_bytes() const { return owned_ ? bytes_.size() : 0; }  // for memory accounts

 private:
  std::unique_ptr<uint8_t[]> owned_;
  Bytes bytes_;
};

// No section is decompressed beyond this: the largest .debug_info of a browser with full debug info is below.
inline constexpr uint64_t kMaxDecompressedBytes = uint64_t{1} << 30;

// The contents of an SHF_COMPRESSED section (gABI "Compression Header": zlib or zstd). kLimit above
// `max_bytes`.
Result<SectionData> decompress_section(Bytes raw, uint64_t max_bytes);
// The contents of a .zdebug_* section ("ZLIB", size as 8 big-endian bytes, zlib stream), as Go wrote
// before 1.22.
Result<SectionData> decompress_zdebug(Bytes raw, uint64_t max_bytes);
// A whole .xz file, as in .gnu_debugdata. Output grows as it comes, so that a lying header costs nothing.
Result<SectionData> decompress_xz(Bytes raw, uint64_t max_bytes);

}  // namespace gp::elf
