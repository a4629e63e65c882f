// What looking for an interpreter in a file's code has in common. Owner thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "elf/cold_part.h"
#include "elf/image.h"
#include "targets/runtime.h"

namespace gp::runtimes {

// The same range as offsets of the file; empty when it is not all there.
targets::FileRange file_range(const elf::Image& image, elf::CodeRange range);

// At most `limit` bytes of the file from `address` on.
Bytes code_at(const elf::Image& image, Vaddr address, size_t limit);
Bytes code_of(const elf::Image& image, elf::CodeRange range);

// What a function of no more than "mov variable(%rip), %rax; ret" returns: the variable.
std::optional<Vaddr> returned_variable(const elf::Image& image, Vaddr function);

// All functions that .eh_frame tells of, sorted.
std::vector<elf::CodeRange> functions_of(const elf::Image& image);

}  // namespace gp::runtimes
