#include "runtimes/code.h"

#include <algorithm>

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
