#include "symbols/index_sources.h"

#include <elf.h>

#include <algorithm>

namespace gp::symbols {
namespace {

constexpr unsigned kNumberBits = 28;
constexpr size_t kMaxNumber = size_t{1} << kNumberBits;
constexpr size_t kStubSource = 15;  // tables are 0 to 14

// Which of two names of one address is shown: global before local before weak before untyped, then the shorter, then
// the first in the alphabet, so that every run shows the same one.
bool preferred(const NameCandidate& a, const NameCandidate& b) {
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.name.size() != b.name.size()) return a.name.size() < b.name.size();
  return a.name < b.name;
}

}  // namespace

IndexSources::IndexSources(const elf::Image& image, std::span<const elf::Image* const> others) {
  find_code(image);
  if (code_.empty()) return;
  add_table(elf::SymbolTable::full(image));
  add_table(elf::SymbolTable::dynamic(image));
  for (const elf::Image* other : others) add_table(elf::SymbolTable::full(*other));
  add_stubs(image);
  std::sort(keys_.begin(), keys_.end());
}

void IndexSources::find_code(const elf::Image& image) {
  for (const elf::Section& section : image.sections()) {
    if ((section.flags & SHF_EXECINSTR) == 0 || section.type == SHT_NOBITS || section.size == 0) continue;
    if (section.address.value != 0 && section.size <= UINT64_MAX - section.address.value)
      code_.push_back({section.address.value, section.address.value + section.size});
  }
  for (const elf::Segment& segment : image.segments()) {
    if (!image.sections().empty() || segment.type != PT_LOAD || (segment.flags & PF_X) == 0) continue;
    code_.push_back({segment.address.value, segment.address.value + segment.file_size});
  }
  std::sort(code_.begin(), code_.end(), [](const CodeRange& a, const CodeRange& b) { return a.begin < b.begin; });
  if (!code_.empty()) base_ = code_.front().begin;
}

const IndexSources::CodeRange* IndexSources::code_at(uint64_t address) const {
  const auto after = std::upper_bound(code_.begin(), code_.end(), address,
                                      [](uint64_t value, const CodeRange& range) { return value < range.begin; });
  if (after == code_.begin() || address >= std::prev(after)->end) return nullptr;
  return &*std::prev(after);
}

bool IndexSources::add_key(uint64_t address, size_t source, size_t index) {
  if (code_at(address) == nullptr || address - base_ > UINT32_MAX) return true;  // data, or a lie
  if (keys_.size() >= kMaxSymbols) {
    ++dropped_;
    return false;
  }
  keys_.push_back((address - base_) << 32U | source << kNumberBits | index);
  return true;
}

void IndexSources::add_table(const elf::SymbolTable& table) {
  if (table.size() == 0 || tables_.size() >= kStubSource) return;
  const size_t source = tables_.size();
  tables_.push_back(table);
  for (size_t i = 0; i < std::min(table.size(), kMaxNumber); ++i) {
    const auto symbol = table.function(i);
    if (symbol && !add_key(symbol->address.value, source, i)) return;
  }
}

void IndexSources::add_stubs(const elf::Image& image) {
  stubs_ = elf::plt_stubs(image);
  for (size_t i = 0; i < stubs_.size(); ++i)
    if (!add_key(stubs_[i].address.value, kStubSource, i)) return;
}

std::optional<NameCandidate> IndexSources::candidate(uint64_t key) const {
  const size_t source = (key >> kNumberBits) & 0xfU;
  const size_t number = key & (kMaxNumber - 1);
  if (source == kStubSource) return stub_candidate(stubs_[number]);
  const auto symbol = tables_[source].function(number);
  // The file may change while it is read; a symbol that moved is no longer this key's.
  if (!symbol || symbol->address.value != base_ + (key >> 32U)) return std::nullopt;
  return NameCandidate{symbol->address, symbol->size, symbol->name, {}, symbol->rank};
}

std::optional<NameCandidate> IndexSources::stub_candidate(const elf::PltStub& stub) const {
  const std::string_view target = stub.target.empty() ? function_name_at(stub.resolver.value) : stub.target;
  if (target.empty()) return std::nullopt;
  return NameCandidate{stub.address, stub.size, target, "@plt", elf::SymbolRank::kWeak};
}

// The name of the function that starts exactly there; stubs do not count, so that this ends.
std::string_view IndexSources::function_name_at(uint64_t address) const {
  if (address < base_ || address - base_ > UINT32_MAX) return {};
  std::optional<NameCandidate> best;
  for (auto key = std::lower_bound(keys_.begin(), keys_.end(), (address - base_) << 32U);
       key != keys_.end() && *key >> 32U == address - base_; ++key) {
    if (((*key >> kNumberBits) & 0xfU) == kStubSource) continue;
    const auto other = candidate(*key);
    if (other && (!best || preferred(*other, *best))) best = other;
  }
  return best ? best->name : std::string_view();
}

SymbolGroup IndexSources::group(size_t first_key) const {
  SymbolGroup group;
  group.next = first_key;
  const uint64_t start = address(first_key);
  const CodeRange* code = code_at(start);
  group.section_end = code != nullptr ? code->end : start;
  uint64_t size = 0;
  for (; group.next < keys_.size() && address(group.next) == start; ++group.next) {
    const auto other = candidate(keys_[group.next]);
    if (!other) continue;
    size = std::max(size, other->size);
    if (group.best.name.empty() || preferred(*other, group.best)) group.best = *other;
  }
  group.best.address = {start};
  group.best.size = std::min(size, group.section_end - start);
  return group;
}

}  // namespace gp::symbols
