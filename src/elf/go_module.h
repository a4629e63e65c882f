// Finds a Go program's line table and the runtime's record of where code and data of the module lie.
// Owner thread: none (functions).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "elf/image.h"

namespace gp::elf {

// A place that may be the start of a pclntab. `bytes` reach to the end of its section or segment.
struct GoTable {
  Vaddr address;
  Bytes bytes;
};

// Candidates, likeliest first: the section of that name; in Go programs without one, every match of the magic number
// (the linker merges it into .data.rel.ro in position-independent files), at most 16.
std::vector<GoTable> go_tables(const Image& image);

// The pointer that the loader puts at `address`: from a relative relocation, else what the file holds there.
std::optional<uint64_t> pointer_at(const Image& image, Vaddr address);

// Address of runtime.firstmoduledata: the first two words are the table's address and that of its names.
std::optional<Vaddr> go_module_data(const Image& image, Vaddr table, Vaddr names);

}  // namespace gp::elf
