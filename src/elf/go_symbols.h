// Functions, lines and inlined calls of Go code, from the table its runtime itself uses (pclntab). Every Go binary has
// it, stripped or not. Reads the image in place; all of it is foreign input.
//
// Formats: Go 1.16-1.17, 1.18-1.19 and 1.20-1.26 (runtime/symtab.go, symtabinl.go, runtime2.go of those releases).
// Checked against runtime.CallersFrames of Go 1.16 to 1.26, plain, stripped and position-independent. Files of Go
// 1.16-1.17 that an external linker made position-independent are not read: their table waits for relocations.
//
// Owner thread: any; const. The image must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "elf/image.h"
#include "elf/source_frame.h"

namespace gp::elf {

class GoSymbols {
 public:
  // Nothing when the file holds no Go code, or of an unknown version.
  static std::optional<GoSymbols> find(const Image& image);

  // The functions at `address`, outermost first; the last is the innermost inlined one. Empty when no Go function
  // covers it (C code of a mixed program).
  [[nodiscard]] std::vector<SourceFrame> lookup(Vaddr address) const;

  [[nodiscard]] size_t function_count() const { return function_count_; }

 private:
  struct Layout;  // of one version
  struct Function {
    Bytes record;   // _func and what follows it
    Vaddr address;  // of the record
    uint64_t entry = 0;
    uint64_t end = 0;
  };

  GoSymbols() = default;
  bool parse(const Image& image, Bytes table, Vaddr address);
  bool locate_module(const Image& image, Vaddr names);
  [[nodiscard]] uint64_t table_entry(uint64_t index) const;
  [[nodiscard]] std::optional<Function> function_at(uint64_t pc) const;
  [[nodiscard]] uint32_t field(const Function& function, size_t offset) const;
  [[nodiscard]] std::optional<int32_t> value_at(const Function& function, uint32_t table, uint64_t pc) const;
  [[nodiscard]] int32_t inline_index(const Function& function, uint64_t pc) const;
  [[nodiscard]] Bytes inline_tree(const Function& function) const;
  [[nodiscard]] SourceFrame frame(const Function& function, uint32_t name, uint64_t pc) const;

  const Image* image_ = nullptr;
  const Layout* layout_ = nullptr;
  Vaddr address_;  // of the table
  Bytes names_;
  Bytes units_;  // file numbers of each compilation unit
  Bytes files_;
  Bytes values_;     // pc-value tables
  Bytes functions_;  // the sorted function table and the records
  Vaddr functions_address_;
  uint64_t function_count_ = 0;
  uint64_t quantum_ = 1;      // instruction size that pc deltas count in
  uint64_t text_ = 0;         // what entries count from
  uint64_t inline_base_ = 0;  // what funcdata offsets count from; 0: not found
};

}  // namespace gp::elf
