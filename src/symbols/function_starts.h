// Where functions without names start, by the unwind tables, else by the code itself: a stripped function's samples then
// share one name, and a symbol without a size ends where another function begins. Owner thread: the closer. Views the image.
#pragma once

#include <memory>
#include <optional>

#include "base/ids.h"
#include "elf/cfi_entry.h"
#include "elf/fde_index.h"
#include "elf/image.h"
#include "elf/unwind_source.h"

namespace gp::symbols {

class FunctionStarts {
 public:
  // Reads the search table of .eh_frame_hdr in place; knows no function where there is none.
  explicit FunctionStarts(const elf::Image& image);

  // The start of the function that covers `address`. The first one outside all tables may cost what UnwindSource says.
  [[nodiscard]] std::optional<Vaddr> find(Vaddr address);
  // Whether the function that starts at `start`, by its code, ends at or ahead of `address`.
  [[nodiscard]] bool ends_before(Vaddr start, Vaddr address);
  [[nodiscard]] size_t owned_bytes() const { return code_ ? code_->owned_bytes() : 0; }

 private:
  [[nodiscard]] std::optional<Vaddr> by_table(Vaddr address) const;
  std::optional<elf::LearnedFunction> by_code(Vaddr address);

  const elf::Image* image_;
  std::unique_ptr<elf::UnwindSource> code_;
  elf::FdeIndex index_;
  elf::FrameSection section_;
};

}  // namespace gp::symbols
