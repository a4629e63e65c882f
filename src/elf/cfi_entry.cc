#include "elf/cfi_entry.h"

#include <dwarf.h>

#include <algorithm>
#include <string_view>

#include "elf/cfi_state.h"
#include "elf/encoded_pointer.h"

namespace gp::elf {
namespace {

constexpr uint32_t kLength64 = 0xffffffff;  // a 64-bit length follows (DWARF 5 section 7.4)
constexpr uint32_t kCieId32 = 0xffffffff;   // .debug_frame; in .eh_frame it is 0
constexpr uint64_t kCieId64 = 0xffffffffffffffff;

// Reads what the augmentation string announces. False when the CIE cannot be used.
bool read_augmentation(std::string_view text, ByteReader& reader, Cie& cie) {
  if (text.empty()) return true;
  if (text == "eh") {  // GCC 2
    reader.skip(8);
    return reader.ok();
  }
  if (text[0] != 'z') return false;  // the length of what follows is unknown
  cie.has_augmentation_data = true;
  const uint64_t size = reader.uleb128();
  const size_t end = reader.position() + std::min<uint64_t>(size, reader.remaining());
  for (const char letter : text.substr(1)) {
    if (letter == 'R') {
      cie.pointer_encoding = reader.read<uint8_t>();
    } else if (letter == 'P') {
      const auto encoding = reader.read<uint8_t>();
      if (encoding == DW_EH_PE_aligned) return false;
      // Its value does not matter; an indirect one has the same size.
      if (!read_encoded_value(reader, encoding)) return false;
    } else if (letter == 'L') {
      reader.skip(1);
    } else if (letter == 'S') {
      cie.is_signal_frame = true;
    } else if (letter != 'B' && letter != 'G') {
      break;  // unknown: the rest of the data is skipped by its length
    }
  }
  if (!reader.ok() || reader.position() > end) return false;
  reader.skip(end - reader.position());
  return reader.ok();
}

}  // namespace

std::optional<CfiEntry> read_cfi_entry(const FrameSection& section, uint64_t offset) {
  if (offset > section.bytes.size()) return std::nullopt;
  ByteReader reader(section.bytes, offset);
  uint64_t length = reader.read<uint32_t>();
  if (!reader.ok() || length == 0) return std::nullopt;
  const bool is_64 = length == kLength64;
  if (is_64) length = reader.read<uint64_t>();
  const auto content = slice(section.bytes, reader.position(), length);
  if (!reader.ok() || !content) return std::nullopt;

  CfiEntry entry;
  entry.next = reader.position() + length;
  const uint64_t id_at = reader.position();
  const bool wide_id = is_64 && section.is_debug_frame;
  const uint64_t id = wide_id ? reader.read<uint64_t>() : reader.read<uint32_t>();
  if (!reader.ok() || reader.position() > entry.next) return std::nullopt;
  entry.body_offset = reader.position();
  entry.body = section.bytes.subspan(entry.body_offset, entry.next - entry.body_offset);
  if (section.is_debug_frame) {
    entry.is_cie = id == (wide_id ? kCieId64 : kCieId32);
    entry.cie_offset = id;
  } else {
    entry.is_cie = id == 0;
    entry.cie_offset = id_at - id;  // wraps when it lies before the section: then there is no CIE to be found
  }
  return entry;
}

std::optional<Cie> read_cie(const FrameSection& section, uint64_t offset) {
  const auto entry = read_cfi_entry(section, offset);
  if (!entry || !entry->is_cie) return std::nullopt;
  ByteReader reader(entry->body);
  Cie cie;
  cie.offset = offset;
  const auto version = reader.read<uint8_t>();
  if (version != 1 && version != 3 && version != 4) return std::nullopt;
  const std::string_view augmentation = reader.c_string();
  if (version == 4) {
    const auto address_size = reader.read<uint8_t>();
    const auto segment_size = reader.read<uint8_t>();
    if (address_size != 8 || segment_size != 0) return std::nullopt;
  }
  cie.code_align = reader.uleb128();
  cie.data_align = reader.sleb128();
  const uint64_t return_address = version == 1 ? reader.read<uint8_t>() : reader.uleb128();
  if (!reader.ok() || return_address != kDwarfRip) return std::nullopt;
  if (!read_augmentation(augmentation, reader, cie)) return std::nullopt;
  cie.instructions = reader.take(reader.remaining());
  return cie;
}

std::optional<Fde> read_fde(const FrameSection& section, const CfiEntry& entry, const Cie& cie) {
  ByteReader reader(entry.body);
  const PointerBases bases{section.address + entry.body_offset, {}};
  const auto begin = read_encoded_pointer(reader, cie.pointer_encoding, bases);
  const auto size = read_encoded_value(reader, cie.pointer_encoding);
  if (!begin || !size || *size == 0 || *size > UINT64_MAX - begin->value) return std::nullopt;
  if (cie.has_augmentation_data) reader.skip(reader.uleb128());
  if (!reader.ok()) return std::nullopt;
  return Fde{*begin, *begin + *size, reader.take(reader.remaining())};
}

}  // namespace gp::elf
