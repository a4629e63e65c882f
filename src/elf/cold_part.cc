#include "elf/cold_part.h"

#include <algorithm>
#include <map>
#include <set>

#include "elf/cfi_entry.h"
#include "elf/fde_index.h"

namespace gp::elf {
namespace {

// A second jump keeps bytes that only look like one from deciding.
constexpr size_t kMinTargets = 2;

// Where jumps with a 32-bit distance go that leave `function`: Jcc rel32 (0F 80-8F) and JMP rel32 (E9), Intel SDM
// volume 2. Instructions are not decoded, so some of these are no jumps.
std::set<uint64_t> targets_outside(Bytes code, CodeRange function) {
  std::set<uint64_t> targets;
  for (size_t at = 0; at + 6 <= code.size(); ++at) {
    const bool conditional = code[at] == 0x0f && (code[at + 1] & 0xf0) == 0x80;
    if (!conditional && code[at] != 0xe9) continue;
    const size_t operand = at + (conditional ? 2 : 1);
    const auto distance = read_at<int32_t>(code, operand).value_or(0);
    const uint64_t target = function.begin.value + operand + 4 + static_cast<uint64_t>(int64_t{distance});
    if (target < function.begin.value || target >= function.end.value) targets.insert(target);
  }
  return targets;
}

// The range of the FDE an index entry points to.
std::optional<CodeRange> range_of(const FrameSection& section, uint64_t fde_offset) {
  const auto entry = read_cfi_entry(section, fde_offset);
  if (!entry || entry->is_cie) return std::nullopt;
  const auto cie = read_cie(section, entry->cie_offset);
  if (!cie) return std::nullopt;
  const auto fde = read_fde(section, *entry, *cie);
  if (!fde) return std::nullopt;
  return CodeRange{fde->begin, fde->end};
}

}  // namespace

std::optional<CodeRange> find_cold_part(const Image& image, CodeRange function) {
  if (image.machine() != Machine::kX86_64 || function.end <= function.begin) return std::nullopt;
  const auto header = FdeIndex::from_header(image);
  if (!header || header->index.size() == 0) return std::nullopt;
  const FrameSection section{.bytes = image.bytes_at(header->eh_frame), .address = header->eh_frame};
  Bytes code = image.bytes_at(function.begin);
  code = code.first(std::min<size_t>(code.size(), function.end - function.begin));

  std::map<size_t, size_t> hits;  // FDE by its index: targets inside it
  for (const uint64_t target : targets_outside(code, function)) {
    const size_t index = header->index.find(Vaddr{target});
    if (header->index.entry(index).begin.value < target) ++hits[index];
  }
  std::optional<CodeRange> best;
  size_t most = kMinTargets - 1;
  for (const auto& [index, count] : hits) {
    if (count <= most) continue;
    const auto range = range_of(section, header->index.entry(index).fde_offset);
    if (!range || range->end <= range->begin || range->begin == function.begin) continue;
    // The last FDE before a gap also collects what lies in the gap: count what is really inside.
    size_t inside = 0;
    for (const uint64_t target : targets_outside(code, function))
      if (target > range->begin.value && target < range->end.value) ++inside;
    if (inside <= most) continue;
    best = range;
    most = inside;
  }
  return best;
}

}  // namespace gp::elf
