// Entries of .eh_frame and .debug_frame (DWARF 5 section 6.4.1; LSB Core "Exception Frames").
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ids.h"

namespace gp::elf {

// The section whose entries are read. `bytes` may reach past its end (up to its segment's).
struct FrameSection {
  Bytes bytes;
  Vaddr address;  // of bytes[0]; matters for .eh_frame alone
  bool is_debug_frame = false;
};

// Common information of several functions.
struct Cie {
  uint64_t offset = 0;  // in the section
  uint64_t code_align = 1;
  int64_t data_align = 1;
  uint8_t pointer_encoding = 0;  // DW_EH_PE_*
  bool has_augmentation_data = false;
  bool is_signal_frame = false;
  Bytes instructions;
};

// One function. Its instructions are read with the alignments of its CIE.
struct Fde {
  Vaddr begin;
  Vaddr end;
  Bytes instructions;
};

// One entry's frame, before it is known which kind it is.
struct CfiEntry {
  Bytes body;                // after the length and the id
  uint64_t body_offset = 0;  // of `body` in the section
  uint64_t cie_offset = 0;   // an FDE's CIE
  bool is_cie = false;
  uint64_t next = 0;  // offset of the entry after it
};

// Nothing at the end of the section (or its terminator) and for lengths that do not fit.
std::optional<CfiEntry> read_cfi_entry(const FrameSection& section, uint64_t offset);
// Nothing when the CIE cannot be read or is not for x86-64 unwinding (other return address column, segments).
std::optional<Cie> read_cie(const FrameSection& section, uint64_t offset);
// Nothing when broken, empty or encoded in a way that cannot be followed.
std::optional<Fde> read_fde(const FrameSection& section, const CfiEntry& entry, const Cie& cie);

}  // namespace gp::elf
