#include "elf/fde_index.h"

#include <dwarf.h>
#include <elf.h>

#include <algorithm>
#include <limits>

#include "elf/encoded_pointer.h"

namespace gp::elf {
namespace {

constexpr size_t kMaxFdes = 4'000'000;  // a 32 MiB index; the largest browsers have half a million

size_t searchable_field(uint8_t encoding) {
  if (encoding == (DW_EH_PE_datarel | DW_EH_PE_sdata4)) return sizeof(int32_t);  // what linkers write
  if (encoding == (DW_EH_PE_datarel | DW_EH_PE_sdata8)) return sizeof(int64_t);
  return 0;
}

const Segment* eh_frame_segment(const Image& image) {
  for (const Segment& segment : image.segments())
    if (segment.type == PT_GNU_EH_FRAME) return &segment;
  return nullptr;
}

}  // namespace

std::optional<FdeIndex::Header> FdeIndex::from_header(const Image& image) {
  const Segment* segment = eh_frame_segment(image);
  if (segment == nullptr) return std::nullopt;
  const Bytes bytes = image.bytes_at(segment->address);
  ByteReader reader(bytes);
  const auto version = reader.read<uint8_t>();
  const auto frame_encoding = reader.read<uint8_t>();
  const auto count_encoding = reader.read<uint8_t>();
  const auto table_encoding = reader.read<uint8_t>();
  if (!reader.ok() || version != 1) return std::nullopt;
  const PointerBases bases{segment->address, segment->address};
  const auto eh_frame = read_encoded_pointer(reader, frame_encoding, bases);
  if (!eh_frame) return std::nullopt;

  Header header{{}, *eh_frame};
  const auto count = count_encoding == DW_EH_PE_omit ? std::nullopt : read_encoded_value(reader, count_encoding);
  FdeIndex& index = header.index;
  index.field_bytes_ = searchable_field(table_encoding);
  if (!count || index.field_bytes_ == 0) return header;
  index.table_ = reader.take(reader.remaining());
  index.table_base_ = segment->address;
  index.section_base_ = eh_frame->value;
  index.count_ = std::min<uint64_t>(*count, index.table_.size() / (2 * index.field_bytes_));
  return header;
}

FdeIndex FdeIndex::from_section(const FrameSection& section) {
  FdeIndex index;
  std::vector<Entry> found;
  std::optional<Cie> cie;
  for (uint64_t offset = 0; found.size() < kMaxFdes;) {
    const auto entry = read_cfi_entry(section, offset);
    if (!entry) break;
    if (!entry->is_cie) {
      if (!cie || cie->offset != entry->cie_offset) cie = read_cie(section, entry->cie_offset);
      const auto fde = cie ? read_fde(section, *entry, *cie) : std::nullopt;
      if (fde && offset <= UINT32_MAX) found.push_back({fde->begin, offset});
    }
    offset = entry->next;
  }
  if (found.empty()) return index;
  std::ranges::sort(found, {}, [](const Entry& entry) { return std::pair(entry.begin, entry.fde_offset); });
  // Functions that the linker dropped begin at 0 in .debug_frame; they may not push the base away from the
  // rest.
  const auto first = std::ranges::find_if(found, [](const Entry& entry) { return entry.begin.value != 0; });
  if (first == found.end()) return index;
  index.base_ = first->begin;
  index.built_.reserve(static_cast<size_t>(found.end() - first));
  for (auto entry = first; entry != found.end() && entry->begin - index.base_ <= UINT32_MAX; ++entry)
    index.built_.push_back(
        {static_cast<uint32_t>(entry->begin - index.base_), static_cast<uint32_t>(entry->fde_offset)});
  index.count_ = index.built_.size();
  return index;
}

FdeIndex::Entry FdeIndex::entry(size_t i) const {
  if (field_bytes_ == 0) return {base_ + built_[i].begin, built_[i].fde_offset};
  const size_t at = i * 2 * field_bytes_;
  uint64_t begin = 0;
  uint64_t fde = 0;
  if (field_bytes_ == sizeof(int32_t)) {
    begin = static_cast<uint64_t>(int64_t{read_at<int32_t>(table_, at).value_or(0)});
    fde = static_cast<uint64_t>(int64_t{read_at<int32_t>(table_, at + field_bytes_).value_or(0)});
  } else {
    begin = read_at<uint64_t>(table_, at).value_or(0);
    fde = read_at<uint64_t>(table_, at + field_bytes_).value_or(0);
  }
  return {table_base_ + begin, (table_base_ + fde).value - section_base_};
}

size_t FdeIndex::find(Vaddr address) const {
  size_t low = 0;
  size_t high = count_;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (entry(middle).begin <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low == 0 ? 0 : low - 1;
}

}  // namespace gp::elf
