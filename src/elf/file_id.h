// Identity of a file's code: equal ids mean equal offsets, so unwind pages and symbols are shared between
// processes. Owner thread: none (value).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace gp::elf {

// Hash of build id and program headers (a patched copy of a library keeps its build id and moves its code),
// or of the first and last 4 KiB and the size where there is no build id. See Image::file_id.
struct FileId {
  uint64_t low = 0;
  uint64_t high = 0;

  auto operator<=>(const FileId&) const = default;
};

}  // namespace gp::elf

template <>
struct std::hash<gp::elf::FileId> {
  size_t operator()(const gp::elf::FileId& id) const noexcept { return id.low ^ id.high; }
};
