// Finds the part of a function that the compiler moved elsewhere, in files that have no symbol for it.
#pragma once

#include <optional>
#include <vector>

#include "base/ids.h"
#include "elf/image.h"

namespace gp::elf {

// Half-open range of addresses.
struct CodeRange {
  Vaddr begin;
  Vaddr end;
};

// Compilers move unlikely blocks of a large function out of it (GCC's -freorder-blocks-and-partition: into .text.unlikely)
// and give them an FDE of their own. The function's jumps into the middle of such a range tell it: a jump to another
// function goes to its start. x86-64 only; nothing when there is no such range.
std::optional<CodeRange> find_cold_part(const Image& image, CodeRange function);

}  // namespace gp::elf
