// Where functions without names start, by the unwind tables: a stripped function's samples then share one name.
// Owner thread: the closer. Views the image; holds no heap.
#pragma once

#include <optional>

#include "base/ids.h"
#include "elf/cfi_entry.h"
#include "elf/fde_index.h"
#include "elf/image.h"

namespace gp::symbols {

class FunctionStarts {
 public:
  // Reads the search table of .eh_frame_hdr in place; knows no function where there is none.
  explicit FunctionStarts(const elf::Image& image);

  // The start of the function that covers `address`.
  [[nodiscard]] std::optional<Vaddr> find(Vaddr address) const;

 private:
  elf::FdeIndex index_;
  elf::FrameSection section_;
};

}  // namespace gp::symbols
