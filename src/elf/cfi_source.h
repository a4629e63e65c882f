// Rules from .eh_frame or .debug_frame.
#pragma once

#include <optional>
#include <vector>

#include "elf/cfi_entry.h"
#include "elf/cfi_program.h"
#include "elf/fde_index.h"
#include "elf/rule_source.h"
#include "elf/section_data.h"

namespace gp::elf {

class CfiSource final : public RuleSource {
 public:
  // The .eh_frame of `image`, which must outlive the source. nullopt when it has none with an FDE.
  static std::optional<CfiSource> from_eh_frame(const Image& image);
  // The .debug_frame of `image` (which must outlive the source unless its section is compressed).
  static std::optional<CfiSource> from_debug_frame(const Image& image);
  CfiSource(const FrameSection& section, FdeIndex index);

  void start_page() override;
  void seek(Vaddr address) override;
  std::optional<CodeSpan> next(Vaddr from, Vaddr limit) override;
  void emit(Vaddr begin, Vaddr end, PageRows& rows) override;
  [[nodiscard]] size_t owned_bytes() const override;

 private:
  // A CIE with the state its instructions leave.
  struct PreparedCie {
    Cie cie;
    std::optional<FrameState> initial;  // nothing: broken
  };
  const PreparedCie* prepare(uint64_t cie_offset);

  std::optional<SectionData> owned_;  // decompressed section
  FrameSection section_;
  FdeIndex index_;
  CfiProgram program_;
  std::vector<PreparedCie> cies_;  // met lately
  size_t cursor_ = 0;
  Fde fde_;  // what next() gave last
  const PreparedCie* fde_cie_ = nullptr;
  uint64_t budget_ = 0;  // instructions and entries left for this page
};

}  // namespace gp::elf
