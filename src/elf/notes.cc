#include "elf/notes.h"

#include <elf.h>

namespace gp::elf {
namespace {

uint64_t round_up(uint64_t size, uint64_t align) { return (size + align - 1) & ~(align - 1); }

}  // namespace

Bytes find_note(Bytes notes, uint64_t align, std::string_view owner, uint32_t type) {
  uint64_t at = 0;
  while (const auto header = read_at<Elf64_Nhdr>(notes, at)) {
    const uint64_t name_at = at + sizeof(Elf64_Nhdr);
    const uint64_t description_at = round_up(name_at + header->n_namesz, align);
    const auto description = slice(notes, description_at, header->n_descsz);
    const auto name = slice(notes, name_at, header->n_namesz);
    if (!description || !name) return {};
    // The name counts its NUL; Go pads its own to four bytes.
    const auto text = string_at(*name, 0);
    if (header->n_type == type && text && *text == owner) return *description;
    at = round_up(description_at + header->n_descsz, align);
  }
  return {};
}

}  // namespace gp::elf
