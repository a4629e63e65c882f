// Compiles the unwind rows of a file, one page at a time, from all it says about its stack frames.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "elf/code/code_source.h"
#include "elf/image.h"
#include "elf/row_builder.h"
#include "elf/rule_source.h"

namespace gp::elf {

// Sources in the order in which they win: signal trampolines known by their bytes, functions that are known to be roots,
// Go's pclntab, .eh_frame, .debug_frame of the file, of its separate debug file, of its minidebuginfo if there is none of
// these, code known by its bytes, the code itself. A later one fills what earlier ones leave.
//
// Owner thread: one at a time. The image and the debug image must outlive it.
class UnwindSource {
 public:
  // `debug`: the file's separate debug file, if there is one at hand. Costs what finding the tables costs:
  // nothing that grows with the file where .eh_frame_hdr has a table; else one pass over the frame sections.
  // aarch64 images have no rules yet: their pages are empty.
  explicit UnwindSource(const Image& image, const Image* debug = nullptr);

  // Rows of the file offsets [page_index << GP_PAGE_SHIFT, + GP_PAGE_SIZE). Offsets outside code have none. `builder`
  // serves one file after the other: its buffers are a hundred times what a source holds.
  [[nodiscard]] UnwindPage compile_page(uint64_t page_index, RowBuilder& builder);
  [[nodiscard]] UnwindPage compile_page(uint64_t page_index);  // with one made for it

  // The function at `address`, of those found in code without tables; nothing elsewhere. The first one costs finding them.
  [[nodiscard]] std::optional<LearnedFunction> learned_function(Vaddr address);

  // Heap bytes held, for memory accounts.
  [[nodiscard]] size_t owned_bytes() const;

 private:
  void add_mini_debug();
  void find_code_without_rules(size_t table, Vaddr begin, Vaddr end, std::vector<CodeSpan>& found);
  void analyse_code();
  UnwindPage compile_once(uint64_t page_index, RowBuilder& builder);
  void fill(size_t source, Vaddr begin, Vaddr end, PageRows& rows);

  const Image* image_;
  std::unique_ptr<Image> mini_debug_;
  std::vector<std::unique_ptr<RuleSource>> sources_;
  std::vector<RuleSource*> tables_;          // those of the sources that say how whole functions unwind
  CodeSource* code_ = nullptr;               // one of the sources
  uint64_t page_without_code_ = UINT64_MAX;  // where learned_function() found nothing to learn of
};

}  // namespace gp::elf
