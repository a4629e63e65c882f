// Which compilation unit and which function of it cover an address, found once and kept as sorted tables: libdw by
// itself walks a unit's whole tree for each question.
//
// Owner thread: one at a time. Used by LineInfo only.
#pragma once

#include <elfutils/libdw.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "elf/source_frame.h"

namespace gp::elf {

// Address ranges and the DIE each belongs to. Where ranges overlap, the one that starts last wins.
class DieRanges {
 public:
  void add(Dwarf_Die& die);
  void finish();
  [[nodiscard]] std::optional<Dwarf_Off> find(Vaddr address) const;
  [[nodiscard]] bool full() const { return ranges_.size() >= kMaxRanges; }
  [[nodiscard]] size_t memory_bytes() const { return ranges_.capacity() * sizeof(Range); }

 private:
  static constexpr size_t kMaxRanges = 1'000'000;
  struct Range {
    uint64_t begin = 0;
    uint64_t end = 0;
    Dwarf_Off die = 0;
  };
  std::vector<Range> ranges_;
};

// The units of a file. Made from their own DIEs: .debug_aranges is often missing (Clang) or partial.
class UnitIndex {
 public:
  UnitIndex() = default;
  explicit UnitIndex(Dwarf* dwarf);
  [[nodiscard]] std::optional<Dwarf_Die> find(Dwarf* dwarf, Vaddr address) const;
  [[nodiscard]] size_t memory_bytes() const { return ranges_.memory_bytes(); }

 private:
  DieRanges ranges_;
};

// The functions with code of one unit.
class FunctionIndex {
 public:
  FunctionIndex() = default;
  explicit FunctionIndex(Dwarf_Die& unit);
  [[nodiscard]] std::optional<Dwarf_Die> find(Dwarf* dwarf, Vaddr address) const;
  // With an estimate of what libdw keeps of the unit.
  [[nodiscard]] size_t memory_bytes() const { return ranges_.memory_bytes() + library_bytes_; }

 private:
  void collect(Dwarf_Die& parent, int depth);

  DieRanges ranges_;
  size_t visited_ = 0;
  size_t library_bytes_ = 0;
};

// `function` and the functions inlined in it at `address`, outermost first. All but the last have the line of the call.
std::vector<SourceFrame> inlined_chain(Dwarf_Die& unit, Dwarf_Die& function, Vaddr address);

}  // namespace gp::elf
