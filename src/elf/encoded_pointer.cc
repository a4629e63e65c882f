#include "elf/encoded_pointer.h"

#include <dwarf.h>

namespace gp::elf {
namespace {

constexpr uint8_t kFormatMask = 0x0f;
constexpr uint8_t kBaseMask = 0x70;

uint64_t widen(int64_t value) { return static_cast<uint64_t>(value); }

}  // namespace

std::optional<uint64_t> read_encoded_value(ByteReader& reader, uint8_t encoding) {
  uint64_t value = 0;
  switch (encoding & kFormatMask) {
    case DW_EH_PE_absptr:
    case DW_EH_PE_udata8:
    case DW_EH_PE_sdata8: value = reader.read<uint64_t>(); break;
    case DW_EH_PE_udata4: value = reader.read<uint32_t>(); break;
    case DW_EH_PE_sdata4: value = widen(reader.read<int32_t>()); break;
    case DW_EH_PE_udata2: value = reader.read<uint16_t>(); break;
    case DW_EH_PE_sdata2: value = widen(reader.read<int16_t>()); break;
    case DW_EH_PE_uleb128: value = reader.uleb128(); break;
    case DW_EH_PE_sleb128: value = widen(reader.sleb128()); break;
    default: return std::nullopt;
  }
  if (!reader.ok()) return std::nullopt;
  return value;
}

std::optional<Vaddr> read_encoded_pointer(ByteReader& reader, uint8_t encoding, const PointerBases& bases) {
  if (encoding == DW_EH_PE_omit || (encoding & DW_EH_PE_indirect) != 0) return std::nullopt;
  const Vaddr field = bases.section + reader.position();
  const auto value = read_encoded_value(reader, encoding);
  if (!value) return std::nullopt;
  switch (encoding & kBaseMask) {
    case DW_EH_PE_absptr: return Vaddr{*value};
    case DW_EH_PE_pcrel: return field + *value;
    case DW_EH_PE_datarel: return bases.data + *value;
    default: return std::nullopt;
  }
}

}  // namespace gp::elf
