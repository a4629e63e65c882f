#include "elf/debug_copy.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace gp::elf {
namespace {

bool is_zdebug(const Section& section) { return section.name.starts_with(".zdebug_"); }
bool is_debug(const Section& section) { return section.name.starts_with(".debug_") || is_zdebug(section); }
bool is_compressed(const Section& section) { return (section.flags & SHF_COMPRESSED) != 0 || is_zdebug(section); }

uint64_t decompressed_bytes(const Image& image, const Section& section) {
  const Bytes raw = image.raw(section);
  if ((section.flags & SHF_COMPRESSED) != 0) {
    const auto header = read_at<Elf64_Chdr>(raw, 0);
    return header ? header->ch_size : 0;
  }
  // "ZLIB" and the size, big-endian.
  if (is_zdebug(section)) return __builtin_bswap64(read_at<uint64_t>(raw, 4).value_or(0));
  return raw.size();
}

// Writes sections one after the other, then their names and headers.
class Writer {
 public:
  Writer() : bytes_(sizeof(Elf64_Ehdr)), headers_(1), names_(1, '\0') {}

  void add(std::string_view name, uint32_t type, Bytes contents) {
    Elf64_Shdr header{};
    header.sh_name = static_cast<uint32_t>(names_.size());
    header.sh_type = type;
    header.sh_offset = bytes_.size();
    header.sh_size = contents.size();
    header.sh_addralign = 1;
    headers_.push_back(header);
    names_.append(name).push_back('\0');
    append(contents);
  }

  std::vector<uint8_t> finish(const Image& image) {
    names_.append(".shstrtab").push_back('\0');
    const std::string names = names_;
    add({}, SHT_STRTAB, {reinterpret_cast<const uint8_t*>(names.data()), names.size()});
    headers_.back().sh_name = static_cast<uint32_t>(names.size() - sizeof(".shstrtab"));
    bytes_.resize((bytes_.size() + 7) & ~size_t{7});

    Elf64_Ehdr header = read_at<Elf64_Ehdr>(image.bytes(), 0).value_or(Elf64_Ehdr{});
    header.e_phoff = 0;
    header.e_phnum = 0;
    header.e_shoff = bytes_.size();
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<uint16_t>(headers_.size());
    header.e_shstrndx = static_cast<uint16_t>(headers_.size() - 1);
    append({reinterpret_cast<const uint8_t*>(headers_.data()), headers_.size() * sizeof(Elf64_Shdr)});
    std::memcpy(bytes_.data(), &header, sizeof(header));
    return std::move(bytes_);
  }
  void reserve(uint64_t bytes) { bytes_.reserve(bytes); }

 private:
  void append(Bytes part) { bytes_.insert(bytes_.end(), part.begin(), part.end()); }

  std::vector<uint8_t> bytes_;
  std::vector<Elf64_Shdr> headers_;
  std::string names_;
};

}  // namespace

DebugSizes debug_sizes(const Image& image) {
  DebugSizes sizes;
  for (const Section& section : image.sections()) {
    if (!is_debug(section)) continue;
    sizes.file_bytes += image.raw(section).size();
    const uint64_t memory = decompressed_bytes(image, section);
    sizes.memory_bytes = memory > UINT64_MAX - sizes.memory_bytes ? UINT64_MAX : sizes.memory_bytes + memory;
    sizes.compressed = sizes.compressed || is_compressed(section);
  }
  return sizes;
}

Result<std::vector<uint8_t>> decompressed_debug_sections(const Image& image, uint64_t max_bytes) {
  constexpr size_t kMaxSections = 64;  // DWARF 5 names 17
  constexpr uint64_t kHeaderBytes = 64U << 10U;
  Writer writer;
  writer.reserve(std::min(debug_sizes(image).memory_bytes, max_bytes) + kHeaderBytes);
  uint64_t room = max_bytes;
  size_t count = 0;
  for (const Section& section : image.sections()) {
    if (!is_debug(section) && section.name != ".gnu_debugaltlink") continue;
    if (++count > kMaxSections) return fail(ErrorCode::kLimit, "too many debug sections");
    GP_ASSIGN(const SectionData data, image.data(section, room));
    if (data.bytes().size() > room) return fail(ErrorCode::kLimit, "debug sections are too large");
    room -= data.bytes().size();
    const std::string name = is_zdebug(section) ? "." + std::string(section.name.substr(2)) : std::string(section.name);
    writer.add(name, SHT_PROGBITS, data.bytes());
  }
  return writer.finish(image);
}

}  // namespace gp::elf
