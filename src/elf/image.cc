#include "elf/image.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/hash.h"
#include "elf/notes.h"

namespace gp::elf {
namespace {

constexpr uint64_t kMaxSegments = 4096;      // linkers write about a dozen
constexpr uint64_t kMaxSections = 1U << 18;  // only object files come near
constexpr uint64_t kMaxDynamicEntries = 1U << 16;
constexpr size_t kMaxNeeded = 4096;
constexpr uint64_t kMaxMiniDebugBytes = uint64_t{64} << 20;
constexpr uint64_t kIdSampleBytes = 4096;

bool is_code(const Segment& segment) { return segment.type == PT_LOAD && (segment.flags & PF_X) != 0; }

bool contains(const Segment& segment, Vaddr address) {
  return segment.type == PT_LOAD && address >= segment.address && address - segment.address < segment.file_size;
}
bool contains(const Segment& segment, FileOffset offset) {
  return segment.type == PT_LOAD && offset >= segment.offset && offset - segment.offset < segment.file_size;
}

Result<Machine> check_header(const Elf64_Ehdr& header) {
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return fail(ErrorCode::kMalformed, "not an ELF file");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB)
    return fail(ErrorCode::kUnsupported, "not a 64-bit little-endian ELF file");
  if (header.e_machine == EM_X86_64) return Machine::kX86_64;
  if (header.e_machine == EM_AARCH64) return Machine::kAarch64;
  return fail(ErrorCode::kUnsupported, fmt::format("ELF machine {}", header.e_machine));
}

Bytes without_end(Bytes bytes) {
  while (!bytes.empty() && bytes.back() == 0) bytes = bytes.first(bytes.size() - 1);
  return bytes;
}
std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

Result<Image> Image::open(const std::string& path) {
  GP_ASSIGN(auto file, os::MappedFile::open(path));
  Image image;
  image.file_ = std::move(file);
  image.bytes_ = image.file_.bytes();
  if (auto parsed = image.parse(); !parsed) return std::unexpected(std::move(parsed.error()).context(path));
  return image;
}

Result<Image> Image::from_fd(int fd) {
  GP_ASSIGN(auto file, os::MappedFile::map(fd));
  Image image;
  image.file_ = std::move(file);
  image.bytes_ = image.file_.bytes();
  GP_TRY(image.parse());
  return image;
}

Result<Image> Image::from_memory(std::vector<uint8_t> bytes) {
  std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size() + 1]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return from_data(SectionData(std::move(copy), bytes.size()));
}

Result<Image> Image::from_data(SectionData data) {
  Image image;
  image.memory_ = std::move(data);
  image.bytes_ = image.memory_->bytes();
  GP_TRY(image.parse());
  return image;
}

Result<void> Image::parse() {
  const auto header = read_at<Elf64_Ehdr>(bytes_, 0);
  if (!header) return fail(ErrorCode::kMalformed, "too short for an ELF file");
  GP_ASSIGN(machine_, check_header(*header));
  type_ = header->e_type;
  entry_ = {header->e_entry};

  // Counts too large for their field are in section 0 (gABI "ELF Header").
  const auto first_section = read_at<Elf64_Shdr>(bytes_, header->e_shoff);
  const bool extended = header->e_shoff != 0 && first_section.has_value();
  uint64_t segments = header->e_phnum;
  if (segments == PN_XNUM && extended) segments = first_section->sh_info;
  uint64_t sections = header->e_shnum;
  if (sections == 0 && extended) sections = first_section->sh_size;
  uint64_t names = header->e_shstrndx;
  if (names == SHN_XINDEX && extended) names = first_section->sh_link;

  parse_segments(header->e_phoff, header->e_phentsize, segments);
  if (header->e_shoff != 0) parse_sections(header->e_shoff, header->e_shentsize, sections, names);
  find_executable_ranges();
  file_id_ = compute_file_id();
  charge_ = Charge(account("ELF images"), owned_bytes());
  return {};
}

void Image::parse_segments(uint64_t offset, uint16_t entry_size, uint64_t count) {
  if (entry_size != sizeof(Elf64_Phdr) || count > kMaxSegments) return;
  const auto table = slice(bytes_, offset, count * sizeof(Elf64_Phdr));
  if (!table) return;
  program_headers_ = *table;
  segments_.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const auto raw = read_at<Elf64_Phdr>(*table, i * sizeof(Elf64_Phdr)).value_or(Elf64_Phdr{});
    Segment segment{raw.p_type, raw.p_flags, {raw.p_offset}, {raw.p_vaddr}, raw.p_filesz, raw.p_memsz, raw.p_align};
    // What lies beyond the end of the file cannot be had.
    const uint64_t room = raw.p_offset < bytes_.size() ? bytes_.size() - raw.p_offset : 0;
    segment.file_size = std::min(segment.file_size, room);
    segment.file_size = std::min(segment.file_size, UINT64_MAX - raw.p_vaddr);
    segments_.push_back(segment);
  }
}

void Image::parse_sections(uint64_t offset, uint16_t entry_size, uint64_t count, uint64_t names_index) {
  if (entry_size != sizeof(Elf64_Shdr) || count > kMaxSections) return;
  const auto table = slice(bytes_, offset, count * sizeof(Elf64_Shdr));
  if (!table) return;
  Bytes names;
  if (const auto header =
          names_index < count ? read_at<Elf64_Shdr>(*table, names_index * sizeof(Elf64_Shdr)) : std::nullopt)
    names = slice(bytes_, header->sh_offset, header->sh_size).value_or(Bytes());
  sections_.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const auto raw = read_at<Elf64_Shdr>(*table, i * sizeof(Elf64_Shdr)).value_or(Elf64_Shdr{});
    sections_.push_back({string_at(names, raw.sh_name).value_or(""),
                         raw.sh_type,
                         raw.sh_flags,
                         {raw.sh_addr},
                         raw.sh_offset,
                         raw.sh_size,
                         raw.sh_link,
                         raw.sh_info,
                         raw.sh_entsize});
  }
}

void Image::find_executable_ranges() {
  for (const Segment& segment : segments_)
    if (is_code(segment) && segment.file_size > 0)
      executable_.push_back({segment.offset, segment.offset + segment.file_size});
  std::ranges::sort(executable_, {}, &OffsetRange::begin);
  FileOffset end;
  for (OffsetRange& range : executable_) {  // segments that overlap lie about one of them: the earlier one keeps it
    range.begin = std::max(range.begin, end);
    range.end = end = std::max(range.end, end);
  }
  std::erase_if(executable_, [](const OffsetRange& range) { return range.begin == range.end; });
}

size_t Image::owned_bytes() const {
  return (memory_ ? memory_->owned_bytes() : 0) + segments_.capacity() * sizeof(Segment) +
         sections_.capacity() * sizeof(Section) + executable_.capacity() * sizeof(OffsetRange);
}

const Section* Image::section(std::string_view name) const {
  const auto found = std::ranges::find(sections_, name, &Section::name);
  return found == sections_.end() ? nullptr : &*found;
}

Bytes Image::raw(const Section& section) const {
  if (section.type == SHT_NOBITS || section.type == SHT_NULL) return {};
  return slice(bytes_, section.offset, section.size).value_or(Bytes());
}

Result<SectionData> Image::data(const Section& section, uint64_t max_bytes) const {
  if ((section.flags & SHF_COMPRESSED) != 0) return decompress_section(raw(section), max_bytes);
  if (section.name.starts_with(".zdebug_")) return decompress_zdebug(raw(section), max_bytes);
  return SectionData(raw(section));
}

Result<SectionData> Image::data(std::string_view name, uint64_t max_bytes) const {
  const Section* found = section(name);
  if (found == nullptr && name.starts_with(".debug_")) found = section(fmt::format(".z{}", name.substr(1)));
  if (found == nullptr) return fail(ErrorCode::kNotFound, fmt::format("no section {}", name));
  return data(*found, max_bytes);
}

std::optional<Vaddr> Image::to_vaddr(FileOffset offset) const {
  const Segment* found = nullptr;
  for (const Segment& segment : segments_)
    if (contains(segment, offset) && (found == nullptr || (is_code(segment) && !is_code(*found)))) found = &segment;
  if (found == nullptr) return std::nullopt;
  return found->address + (offset - found->offset);
}

std::optional<FileOffset> Image::to_offset(Vaddr address) const {
  for (const Segment& segment : segments_)
    if (contains(segment, address)) return segment.offset + (address - segment.address);
  return std::nullopt;
}

Bytes Image::bytes_at(Vaddr address) const {
  for (const Segment& segment : segments_) {
    if (!contains(segment, address)) continue;
    const uint64_t skipped = address - segment.address;
    return slice(bytes_, segment.offset.value + skipped, segment.file_size - skipped).value_or(Bytes());
  }
  return {};
}

Bytes Image::note(std::string_view owner, uint32_t type) const {
  for (const Section& section : sections_)
    if (section.type == SHT_NOTE)
      if (const Bytes found = find_note(raw(section), 4, owner, type); !found.empty()) return found;
  for (const Segment& segment : segments_) {
    if (segment.type != PT_NOTE) continue;
    const Bytes notes = slice(bytes_, segment.offset.value, segment.file_size).value_or(Bytes());
    if (const Bytes found = find_note(notes, segment.align == 8 ? 8 : 4, owner, type); !found.empty()) return found;
  }
  return {};
}

Bytes Image::build_id() const { return note("GNU", NT_GNU_BUILD_ID); }

// Note type 4 of owner "Go" (cmd/internal/buildid of the Go distribution).
std::string_view Image::go_build_id() const { return as_text(note("Go", 4)); }

std::optional<DebugLink> Image::debug_link() const {
  const Section* found = section(".gnu_debuglink");
  if (found == nullptr) return std::nullopt;
  const Bytes content = raw(*found);
  const auto name = string_at(content, 0);
  if (!name || name->empty()) return std::nullopt;
  const auto crc = read_at<uint32_t>(content, (name->size() + 4) & ~size_t{3});
  if (!crc) return std::nullopt;
  return DebugLink{std::string(*name), *crc};
}

std::string_view Image::interpreter() const {
  for (const Segment& segment : segments_)
    if (segment.type == PT_INTERP)
      return as_text(without_end(slice(bytes_, segment.offset.value, segment.file_size).value_or(Bytes())));
  return {};
}

std::vector<uint64_t> Image::dynamic_entries(int64_t tag, size_t limit) const {
  std::vector<uint64_t> found;
  for (const Segment& segment : segments_) {
    if (segment.type != PT_DYNAMIC) continue;
    const Bytes table = slice(bytes_, segment.offset.value, segment.file_size).value_or(Bytes());
    for (uint64_t i = 0; i < kMaxDynamicEntries; ++i) {
      const auto entry = read_at<Elf64_Dyn>(table, i * sizeof(Elf64_Dyn));
      if (!entry || entry->d_tag == DT_NULL) break;
      if (entry->d_tag != tag) continue;
      found.push_back(entry->d_un.d_val);
      if (found.size() >= limit) return found;
    }
  }
  return found;
}

std::optional<uint64_t> Image::dynamic_entry(int64_t tag) const {
  const auto found = dynamic_entries(tag, 1);
  return found.empty() ? std::nullopt : std::optional(found.front());
}

std::string_view Image::soname() const {
  const auto strings = dynamic_entry(DT_STRTAB);
  const auto name = dynamic_entry(DT_SONAME);
  if (!strings || !name) return {};
  return string_at(bytes_at({*strings}), *name).value_or("");
}

bool Image::is_static() const {
  if (!interpreter().empty()) return false;
  return type_ == ET_EXEC || (type_ == ET_DYN && (dynamic_entry(DT_FLAGS_1).value_or(0) & DF_1_PIE) != 0);
}

std::vector<std::string_view> Image::needed() const {
  std::vector<std::string_view> names;
  const auto strings = dynamic_entry(DT_STRTAB);
  if (!strings) return names;
  const Bytes table = bytes_at({*strings});
  for (const uint64_t at : dynamic_entries(DT_NEEDED, kMaxNeeded))
    if (const auto name = string_at(table, at)) names.push_back(*name);
  return names;
}

bool Image::needs_others() const { return dynamic_entry(DT_NEEDED).has_value(); }

Result<Image> Image::mini_debug_image() const {
  const Section* found = section(".gnu_debugdata");
  if (found == nullptr) return fail(ErrorCode::kNotFound, "no section .gnu_debugdata");
  GP_ASSIGN(auto data, decompress_xz(raw(*found), kMaxMiniDebugBytes));
  return from_data(std::move(data));
}

FileId Image::compute_file_id() const {
  const Bytes id = build_id();
  std::vector<uint8_t> content;
  if (!id.empty()) {
    content.assign(id.begin(), id.end());
    content.insert(content.end(), program_headers_.begin(), program_headers_.end());
  } else {
    const uint64_t sample = std::min<uint64_t>(bytes_.size(), kIdSampleBytes);
    const Bytes head = bytes_.first(sample);
    const Bytes tail = bytes_.last(sample);
    const auto size = std::bit_cast<std::array<uint8_t, sizeof(uint64_t)>>(uint64_t{bytes_.size()});
    content.assign(head.begin(), head.end());
    content.insert(content.end(), tail.begin(), tail.end());
    content.insert(content.end(), size.begin(), size.end());
  }
  const auto hash = hash128(content);
  return {hash[0], hash[1]};
}

}  // namespace gp::elf
