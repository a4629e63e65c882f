#include "runtimes/code.h"

#include <algorithm>
#include <array>

#include "elf/cfi_entry.h"
#include "elf/fde_index.h"

namespace gp::runtimes {
namespace {

// The range of the FDE an index entry points to.
std::optional<elf::CodeRange> range_of(const elf::FrameSection& section, uint64_t fde_offset) {
  const auto entry = elf::read_cfi_entry(section, fde_offset);
  if (!entry || entry->is_cie) return std::nullopt;
  const auto cie = elf::read_cie(section, entry->cie_offset);
  if (!cie) return std::nullopt;
  const auto fde = elf::read_fde(section, *entry, *cie);
  if (!fde || fde->end <= fde->begin) return std::nullopt;
  return elf::CodeRange{fde->begin, fde->end};
}

}  // namespace

targets::FileRange file_range(const elf::Image& image, elf::CodeRange range) {
  const auto start = image.to_offset(range.begin);
  const auto last = image.to_offset(range.end - 1);
  if (!start || !last || range.end <= range.begin) return {};
  return {*start, *last + 1};
}

Bytes code_at(const elf::Image& image, Vaddr address, size_t limit) {
  const Bytes code = image.bytes_at(address);
  return code.first(std::min(code.size(), limit));
}

Bytes code_of(const elf::Image& image, elf::CodeRange range) {
  return code_at(image, range.begin, range.end - range.begin);
}

// endbr64, then REX.W 8B /r with mod 00, rm 101 (Intel SDM volume 2, MOV), ret.
std::optional<Vaddr> returned_variable(const elf::Image& image, Vaddr function) {
  constexpr uint32_t kEndbr64 = 0xfa1e0ff3;
  constexpr std::array<uint8_t, 3> kMove = {0x48, 0x8b, 0x05};
  constexpr uint8_t kReturn = 0xc3;
  const Bytes code = image.bytes_at(function);
  const size_t at = read_at<uint32_t>(code, 0) == kEndbr64 ? sizeof(kEndbr64) : 0;
  const size_t end = at + kMove.size() + sizeof(int32_t);
  const auto distance = read_at<int32_t>(code, at + kMove.size());
  if (!distance || read_at<std::array<uint8_t, 3>>(code, at) != kMove || read_at<uint8_t>(code, end) != kReturn)
    return std::nullopt;
  return function + (end + static_cast<uint64_t>(int64_t{*distance}));
}

std::vector<elf::CodeRange> functions_of(const elf::Image& image) {
  std::vector<elf::CodeRange> functions;
  elf::FrameSection section;
  elf::FdeIndex index;
  if (const auto header = elf::FdeIndex::from_header(image)) {
    section = {.bytes = image.bytes_at(header->eh_frame), .address = header->eh_frame};
    index = header->index;
  } else if (const auto* frames = image.section(".eh_frame")) {  // static programs have no table
    section = {.bytes = image.raw(*frames), .address = frames->address};
    index = elf::FdeIndex::from_section(section);
  }
  for (size_t i = 0; i < index.size(); ++i)
    if (const auto range = range_of(section, index.entry(i).fde_offset)) functions.push_back(*range);
  return functions;
}

}  // namespace gp::runtimes
