#include "elf/go_module.h"

#include <elf.h>

#include <array>
#include <string_view>

namespace gp::elf {
namespace {

constexpr size_t kMaxTables = 16;

bool has_magic(Bytes bytes, size_t at) {
  // Magic of Go 1.16, 1.18 or 1.20; two zeros; instruction size of x86 or ARM; pointer size.
  const uint8_t version = bytes[at];
  return (version == 0xfa || version == 0xf0 || version == 0xf1) && bytes[at + 1] == 0xff && bytes[at + 2] == 0xff &&
         bytes[at + 3] == 0xff && bytes[at + 4] == 0 && bytes[at + 5] == 0 &&
         (bytes[at + 6] == 1 || bytes[at + 6] == 4) && bytes[at + 7] == 8;
}

Bytes file_bytes(const Image& image, const Segment& segment) {
  return slice(image.bytes(), segment.offset.value, segment.file_size).value_or(Bytes());
}

bool is_relative(Machine machine, uint64_t info) {
  return ELF64_R_TYPE(info) == (machine == Machine::kX86_64 ? R_X86_64_RELATIVE : R_AARCH64_RELATIVE);
}

// The first relative relocation for which `wanted` holds.
template <class Wanted>
std::optional<Elf64_Rela> find_relative(const Image& image, Wanted&& wanted) {
  for (const Section& section : image.sections()) {
    if (section.type != SHT_RELA || (section.flags & SHF_ALLOC) == 0) continue;
    ByteReader reader(image.raw(section));
    while (reader.remaining() >= sizeof(Elf64_Rela)) {
      const auto entry = reader.read<Elf64_Rela>();
      if (is_relative(image.machine(), entry.r_info) && wanted(entry)) return entry;
    }
  }
  return std::nullopt;
}

bool points_to_module(const Image& image, Vaddr at, Vaddr names) { return pointer_at(image, at + 8) == names.value; }

}  // namespace

std::vector<GoTable> go_tables(const Image& image) {
  std::vector<GoTable> tables;
  for (const std::string_view name : {".gopclntab", ".data.rel.ro.gopclntab"}) {
    const Section* section = image.section(name);
    if (section != nullptr) tables.push_back({section->address, image.raw(*section)});
  }
  if (!tables.empty() || (image.go_build_id().empty() && image.section(".go.buildinfo") == nullptr)) return tables;
  for (const Segment& segment : image.segments()) {
    if (segment.type != PT_LOAD || (segment.flags & PF_X) != 0) continue;
    const Bytes bytes = file_bytes(image, segment);
    for (size_t at = 0; at + 8 <= bytes.size() && tables.size() < kMaxTables; at += 8)
      if (has_magic(bytes, at)) tables.push_back({segment.address + at, bytes.subspan(at)});
  }
  return tables;
}

std::optional<uint64_t> pointer_at(const Image& image, Vaddr address) {
  if (image.type() == ET_DYN) {
    const auto relocation =
        find_relative(image, [&](const Elf64_Rela& entry) { return entry.r_offset == address.value; });
    if (relocation) return static_cast<uint64_t>(relocation->r_addend);
  }
  return read_at<uint64_t>(image.bytes_at(address), 0);
}

std::optional<Vaddr> go_module_data(const Image& image, Vaddr table, Vaddr names) {
  std::optional<Vaddr> found;
  if (image.type() == ET_DYN) {
    size_t looked_at = 0;
    find_relative(image, [&](const Elf64_Rela& entry) {
      if (static_cast<uint64_t>(entry.r_addend) != table.value) return false;
      if (points_to_module(image, {entry.r_offset}, names)) found = {entry.r_offset};
      return found.has_value() || ++looked_at >= kMaxTables;
    });
    if (found) return found;
  }
  for (const Segment& segment : image.segments()) {
    if (segment.type != PT_LOAD || (segment.flags & PF_W) == 0) continue;
    const Bytes bytes = file_bytes(image, segment);
    for (size_t at = 0; at + 16 <= bytes.size(); at += 8)
      if (read_at<uint64_t>(bytes, at) == table.value && read_at<uint64_t>(bytes, at + 8) == names.value)
        return segment.address + at;
  }
  return std::nullopt;
}

}  // namespace gp::elf
