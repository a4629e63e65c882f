#include "elf/dwarf_functions.h"

#include <dwarf.h>

#include <algorithm>

namespace gp::elf {
namespace {

constexpr size_t kMaxUnits = 1'000'000;
constexpr size_t kMaxDies = 20'000'000;  // visited in one unit: all of a browser's LTO unit
constexpr int kMaxDepth = 64;            // of namespaces and classes, and of inlined calls

// Scopes that may hold functions with code: C++ and Rust nest them in namespaces and types, and those of local classes
// and lambdas in the function around them.
bool may_hold_functions(int tag) {
  return tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_namespace || tag == DW_TAG_module ||
         tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type ||
         tag == DW_TAG_enumeration_type;
}

// All its attributes lie within their section. libdw takes a string that stands in a DIE for one that ends there, and reads
// on where it does not; only when it passes over attributes it looks.
bool is_whole(Dwarf_Die& die) {
  const auto go_on = [](Dwarf_Attribute*, void*) { return int{DWARF_CB_OK}; };
  return ::dwarf_getattrs(&die, go_on, nullptr, 0) != -1;
}

// A DIE and those it takes attributes from (dwarf_attr_integrate), as far as they are whole.
std::vector<Dwarf_Die> integrated(const Dwarf_Die& die) {
  constexpr size_t kMaxChain = 16;
  std::vector<Dwarf_Die> chain;
  for (Dwarf_Die next = die; chain.size() < kMaxChain && is_whole(next);) {
    chain.push_back(next);
    Dwarf_Attribute origin;
    if (::dwarf_attr(&next, DW_AT_abstract_origin, &origin) == nullptr &&
        ::dwarf_attr(&next, DW_AT_specification, &origin) == nullptr)
      break;
    if (::dwarf_formref_die(&origin, &next) == nullptr) break;
  }
  return chain;
}

std::string name_of(const Dwarf_Die& die) {
  auto chain = integrated(die);
  for (const unsigned name : {DW_AT_linkage_name, DW_AT_MIPS_linkage_name, DW_AT_name}) {
    for (Dwarf_Die& part : chain) {
      Dwarf_Attribute attribute;
      if (::dwarf_attr(&part, name, &attribute) == nullptr) continue;
      if (const char* text = ::dwarf_formstring(&attribute)) return text;
    }
  }
  return {};
}

std::optional<uint64_t> number_of(Dwarf_Die& die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  if (::dwarf_attr(&die, name, &attribute) == nullptr || ::dwarf_formudata(&attribute, &value) != 0)
    return std::nullopt;
  return value;
}

// The place an inlined function was called from.
void add_call(Dwarf_Die& unit, Dwarf_Die& inlined, SourceFrame& caller) {
  caller.line = static_cast<uint32_t>(number_of(inlined, DW_AT_call_line).value_or(0));
  const auto file = number_of(inlined, DW_AT_call_file);
  Dwarf_Files* files = nullptr;
  size_t count = 0;
  if (!file || ::dwarf_getsrcfiles(&unit, &files, &count) != 0 || *file >= count) return;
  if (const char* path = ::dwarf_filesrc(files, *file, nullptr, nullptr)) caller.file = path;
}

// The inlined call below `die` that covers `address`; lexical blocks are looked through.
std::optional<Dwarf_Die> inlined_below(Dwarf_Die& die, Vaddr address, int depth) {
  Dwarf_Die child;
  if (depth > kMaxDepth || ::dwarf_child(&die, &child) != 0) return std::nullopt;
  do {
    const int tag = ::dwarf_tag(&child);
    if (tag != DW_TAG_lexical_block && tag != DW_TAG_inlined_subroutine) continue;
    if (::dwarf_haspc(&child, address.value) != 1) continue;
    return tag == DW_TAG_inlined_subroutine ? child : inlined_below(child, address, depth + 1);
  } while (::dwarf_siblingof(&child, &child) == 0);
  return std::nullopt;
}

}  // namespace

void DieRanges::add(Dwarf_Die& die) {
  Dwarf_Addr base = 0;
  Dwarf_Addr begin = 0;
  Dwarf_Addr end = 0;
  ptrdiff_t next = 0;
  // Code that the linker dropped keeps its DIE, at address 0 or -1.
  while (!full() && (next = ::dwarf_ranges(&die, next, &base, &begin, &end)) > 0)
    if (begin != 0 && begin < end) ranges_.push_back({begin, end, ::dwarf_dieoffset(&die)});
}

void DieRanges::finish() {
  std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  ranges_.shrink_to_fit();
}

std::optional<Dwarf_Off> DieRanges::find(Vaddr address) const {
  constexpr int kMaxNested = 16;  // a function around other functions
  auto after = std::upper_bound(ranges_.begin(), ranges_.end(), address.value,
                                [](uint64_t value, const Range& range) { return value < range.begin; });
  for (int i = 0; i < kMaxNested && after != ranges_.begin(); ++i) {
    --after;
    if (address.value < after->end) return after->die;
  }
  return std::nullopt;
}

UnitIndex::UnitIndex(Dwarf* dwarf) {
  Dwarf_CU* unit = nullptr;
  for (size_t i = 0; i < kMaxUnits && !ranges_.full(); ++i) {
    Dwarf_Die die;
    uint8_t type = 0;
    if (::dwarf_get_units(dwarf, unit, &unit, nullptr, &type, &die, nullptr) != 0) break;
    if ((type == DW_UT_compile || type == DW_UT_skeleton) && is_whole(die)) ranges_.add(die);
  }
  ranges_.finish();
}

std::optional<Dwarf_Die> UnitIndex::find(Dwarf* dwarf, Vaddr address) const {
  const auto offset = ranges_.find(address);
  Dwarf_Die die;
  if (!offset || ::dwarf_offdie(dwarf, *offset, &die) == nullptr) return std::nullopt;
  return die;
}

FunctionIndex::FunctionIndex(Dwarf_Die& unit) {
  collect(unit, 0);
  ranges_.finish();
  Dwarf_Lines* lines = nullptr;
  size_t count = 0;
  if (::dwarf_getsrclines(&unit, &lines, &count) == 0) library_bytes_ = count * 64;  // struct Dwarf_Line_s and its slot
}

void FunctionIndex::collect(Dwarf_Die& parent, int depth) {
  Dwarf_Die child;
  if (depth > kMaxDepth || ::dwarf_child(&parent, &child) != 0) return;
  do {
    const int tag = ::dwarf_tag(&child);
    if (tag == DW_TAG_subprogram) ranges_.add(child);
    if (may_hold_functions(tag)) collect(child, depth + 1);
  } while (++visited_ < kMaxDies && !ranges_.full() && ::dwarf_siblingof(&child, &child) == 0);
}

std::optional<Dwarf_Die> FunctionIndex::find(Dwarf* dwarf, Vaddr address) const {
  const auto offset = ranges_.find(address);
  Dwarf_Die die;
  if (!offset || ::dwarf_offdie(dwarf, *offset, &die) == nullptr) return std::nullopt;
  return die;
}

std::vector<SourceFrame> inlined_chain(Dwarf_Die& unit, Dwarf_Die& function, Vaddr address) {
  std::vector<SourceFrame> frames(1);
  frames[0].function = name_of(function);
  std::optional<Dwarf_Die> die = function;
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    die = inlined_below(*die, address, 0);
    if (!die) break;
    add_call(unit, *die, frames.back());
    SourceFrame frame;
    frame.function = name_of(*die);
    frame.inlined = true;
    frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace gp::elf
