#include "elf/cfi_source.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace gp::elf {
namespace {

constexpr uint64_t kPageBudget = 1'000'000;  // real pages take below 50,000
constexpr size_t kCiesKept = 16;             // real files use a handful

// Turns states into rows, those before `begin` left out.
class RowSink final : public CfiSink {
 public:
  RowSink(Vaddr begin, Vaddr end, bool is_signal_frame, RuleMaker& rules, PageRows& rows)
      : begin_(begin), end_(end), is_signal_frame_(is_signal_frame), rules_(rules), rows_(rows) {}

  bool on_state(Vaddr begin, Vaddr end, const FrameState& state) override {
    if (end <= begin_) return true;
    if (begin >= end_) return false;
    bool lossy = false;
    rows_.add(std::max(begin, begin_), rules_.make(state, is_signal_frame_, lossy));
    if (lossy) rows_.builder().count_unrepresented();
    reached_ = end;
    return end < end_;
  }

  // Up to where there are rows.
  [[nodiscard]] Vaddr reached() const { return reached_; }

 private:
  Vaddr begin_;
  Vaddr end_;
  bool is_signal_frame_;
  RuleMaker& rules_;
  PageRows& rows_;
  Vaddr reached_;
};

}  // namespace

std::optional<CfiSource> CfiSource::from_eh_frame(const Image& image) {
  FrameSection section;
  FdeIndex index;
  if (auto header = FdeIndex::from_header(image)) {
    section = {image.bytes_at(header->eh_frame), header->eh_frame, false};
    index = std::move(header->index);
  }
  if (index.size() == 0) {
    if (const Section* found = image.section(".eh_frame")) section = {image.raw(*found), found->address, false};
    index = FdeIndex::from_section(section);
  }
  if (index.size() == 0) return std::nullopt;
  return CfiSource(section, std::move(index));
}

std::optional<CfiSource> CfiSource::from_debug_frame(const Image& image) {
  auto data = image.data(".debug_frame");
  if (!data) return std::nullopt;
  const FrameSection section{data->bytes(), {}, true};
  FdeIndex index = FdeIndex::from_section(section);
  if (index.size() == 0) return std::nullopt;
  CfiSource source(section, std::move(index));
  source.owned_ = *std::move(data);
  return source;
}

CfiSource::CfiSource(const FrameSection& section, FdeIndex index) : section_(section), index_(std::move(index)) {
  cies_.reserve(kCiesKept);
}

void CfiSource::start_page() { budget_ = kPageBudget; }

void CfiSource::seek(Vaddr address) { cursor_ = index_.find(address); }

std::optional<CodeSpan> CfiSource::next(Vaddr from, Vaddr limit) {
  for (; cursor_ < index_.size() && budget_ > 0; --budget_) {
    const auto at = index_.entry(cursor_);
    if (at.begin >= limit) return std::nullopt;
    ++cursor_;
    const auto entry = read_cfi_entry(section_, at.fde_offset);
    if (!entry || entry->is_cie) continue;
    fde_cie_ = prepare(entry->cie_offset);
    if (fde_cie_ == nullptr) continue;
    const auto fde = read_fde(section_, *entry, fde_cie_->cie);
    if (!fde || fde->end <= from || fde->begin >= limit) continue;
    fde_ = *fde;
    Vaddr end = fde_.end;
    if (cursor_ < index_.size()) {  // where two overlap the later one holds, as for the C++ runtime's search
      const Vaddr following = index_.entry(cursor_).begin;
      if (following > fde_.begin) end = std::min(end, following);
    }
    if (end <= from) continue;
    return CodeSpan{fde_.begin, end};
  }
  return std::nullopt;
}

void CfiSource::emit(Vaddr begin, Vaddr end, PageRows& rows) {
  bool whole = false;
  RuleMaker rules;  // not kept from function to function: another CIE may be a signal frame's
  RowSink sink(begin, end, fde_cie_->cie.is_signal_frame, rules, rows);
  if (fde_cie_->initial) whole = program_.run(fde_cie_->cie, *fde_cie_->initial, fde_, sink, budget_);
  if (whole) return;
  rows.builder().count_malformed();
  rows.add_no_rule(std::max(begin, sink.reached()));
}

const CfiSource::PreparedCie* CfiSource::prepare(uint64_t cie_offset) {
  const auto known = std::ranges::find(cies_, cie_offset, [](const PreparedCie& cie) { return cie.cie.offset; });
  if (known != cies_.end()) return &*known;
  const auto cie = read_cie(section_, cie_offset);
  if (!cie) return nullptr;
  if (cies_.size() == kCiesKept) cies_.clear();
  cies_.push_back({*cie, program_.initial_state(*cie, budget_)});
  return &cies_.back();
}

size_t CfiSource::owned_bytes() const {
  return sizeof(*this) + index_.owned_bytes() + (owned_ ? owned_->owned_bytes() : 0) +
         cies_.capacity() * sizeof(PreparedCie);
}

}  // namespace gp::elf
