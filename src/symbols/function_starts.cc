#include "symbols/function_starts.h"

namespace gp::symbols {

FunctionStarts::FunctionStarts(const elf::Image& image) : image_(&image) {
  auto header = elf::FdeIndex::from_header(image);
  if (!header) return;
  index_ = std::move(header->index);
  section_ = {image.bytes_at(header->eh_frame), header->eh_frame, false};
}

std::optional<Vaddr> FunctionStarts::by_table(Vaddr address) const {
  if (index_.size() == 0) return std::nullopt;
  const auto entry = read_cfi_entry(section_, index_.entry(index_.find(address)).fde_offset);
  if (!entry || entry->is_cie) return std::nullopt;
  const auto cie = read_cie(section_, entry->cie_offset);
  const auto fde = cie ? read_fde(section_, *entry, *cie) : std::nullopt;
  if (!fde || address < fde->begin || address >= fde->end) return std::nullopt;
  return fde->begin;
}

std::optional<elf::LearnedFunction> FunctionStarts::by_code(Vaddr address) {
  if (!code_) code_ = std::make_unique<elf::UnwindSource>(*image_);
  return code_->learned_function(address);
}

std::optional<Vaddr> FunctionStarts::find(Vaddr address) {
  if (const auto start = by_table(address)) return start;
  const auto function = by_code(address);
  return function ? std::optional(function->begin) : std::nullopt;
}

bool FunctionStarts::ends_before(Vaddr start, Vaddr address) {
  const auto function = by_code(start);
  return function && function->begin == start && function->is_complete && function->end <= address;
}

}  // namespace gp::symbols
