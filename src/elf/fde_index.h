// Finds the FDEs of an address range without walking their section: by the sorted table of .eh_frame_hdr, or
// by one made once from the section itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "elf/cfi_entry.h"
#include "elf/image.h"

namespace gp::elf {

// Owner thread: none (immutable once made). A table read in place views its image.
class FdeIndex {
 public:
  struct Entry {
    Vaddr begin;
    uint64_t fde_offset = 0;  // in the section
  };

  // The table of .eh_frame_hdr (LSB Core, "Exception Frame Header"), and where it says .eh_frame is. Nothing
  // when there is none, or of a kind that cannot be searched in place.
  struct Header;
  static std::optional<Header> from_header(const Image& image);
  // Reads all of `section`. Entries of broken CIEs are left out.
  static FdeIndex from_section(const FrameSection& section);

  FdeIndex() = default;

  [[nodiscard]] size_t size() const { return count_; }
  [[nodiscard]] Entry entry(size_t index) const;
  // Index of the last entry that begins at or before `address`; 0 when all begin behind it.
  [[nodiscard]] size_t find(Vaddr address) const;
  [[nodiscard]] size_t owned_bytes() const { return built_.capacity() * sizeof(Built); }

 private:
  struct Built {
    uint32_t begin = 0;  // from base_
    uint32_t fde_offset = 0;
  };

  Bytes table_;                // in the image
  Vaddr table_base_;           // what its values are relative to
  uint64_t section_base_ = 0;  // address of the section its FDE addresses point into
  size_t field_bytes_ = 0;     // 4 or 8; 0: not a table but built_
  std::vector<Built> built_;
  Vaddr base_;
  size_t count_ = 0;
};

struct FdeIndex::Header {
  FdeIndex index;
  Vaddr eh_frame;
};

}  // namespace gp::elf
