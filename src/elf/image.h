// An ELF64 little-endian file (x86-64 or aarch64) and what its headers say. All of it is foreign input: every
// offset and count is checked, absurd tables are treated as absent, nothing is trusted to stay as it was
// read.
//
// Program headers are what the kernel maps by, so code offsets and addresses come from them alone; section
// headers may be missing (stripped by hand) or lie, and only name contents.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/account.h"
#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "elf/file_id.h"
#include "elf/section_data.h"
#include "os/mapped_file.h"

namespace gp::elf {

enum class Machine { kX86_64, kAarch64 };

// One program header (gABI "Program Header"); sizes in bytes.
struct Segment {
  uint32_t type = 0;   // PT_*
  uint32_t flags = 0;  // PF_*
  FileOffset offset;
  Vaddr address;
  uint64_t file_size = 0;
  uint64_t memory_size = 0;
  uint64_t align = 0;
};

// One section header. `name` views the image.
struct Section {
  std::string_view name;
  uint32_t type = 0;   // SHT_*
  uint64_t flags = 0;  // SHF_*
  Vaddr address;
  uint64_t offset = 0;
  uint64_t size = 0;
  uint32_t link = 0;
  uint32_t info = 0;
  uint64_t entry_size = 0;
};

// [begin, end) of a file.
struct OffsetRange {
  FileOffset begin;
  FileOffset end;
};

// Where a stripped file says its debug file is: base name and CRC-32 of that file (GDB manual, "Separate
// Debug Files").
struct DebugLink {
  std::string name;
  uint32_t crc = 0;
};

// Owner thread: any one at a time; const members may be called from several. Views it hands out live as long
// as the image, wherever it is moved to.
class Image {
 public:
  // kNotFound, kPermission, kSystem from opening; kMalformed when it is no ELF file; kUnsupported when of
  // another class, byte order or machine.
  static Result<Image> open(const std::string& path);
  static Result<Image> from_fd(int fd);
  // A file in memory, or a loaded image whose bytes lie as in its file (the vdso).
  static Result<Image> from_memory(std::vector<uint8_t> bytes);
  static Result<Image> from_data(SectionData data);

  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] Machine machine() const { return machine_; }
  [[nodiscard]] uint16_t type() const { return type_; }  // ET_*
  [[nodiscard]] Vaddr entry() const { return entry_; }
  [[nodiscard]] FileId file_id() const { return file_id_; }
  // Bytes could not be read while mapped (truncated file, bad disk) and came as zeros: do not keep results.
  [[nodiscard]] bool damaged() const { return file_.damaged(); }
  // Reading it may block for ever, see os::MappedFile.
  [[nodiscard]] bool may_hang() const { return file_.may_hang(); }
  // Heap bytes it holds, for memory accounts (a mapped file's pages are not counted).
  [[nodiscard]] size_t owned_bytes() const;

  [[nodiscard]] std::span<const Segment> segments() const { return segments_; }
  [[nodiscard]] std::span<const Section> sections() const { return sections_; }
  // The first section of that name; nullptr when there is none.
  [[nodiscard]] const Section* section(std::string_view name) const;
  // Bytes as they lie in the file; empty for SHT_NOBITS and what does not fit in the file.
  [[nodiscard]] Bytes raw(const Section& section) const;
  // Contents, decompressed where needed. A name ".debug_x" also finds ".zdebug_x". kNotFound when absent.
  [[nodiscard]] Result<SectionData> data(const Section& section, uint64_t max_bytes = kMaxDecompressedBytes) const;
  [[nodiscard]] Result<SectionData> data(std::string_view name, uint64_t max_bytes = kMaxDecompressedBytes) const;

  // Code: parts of the file mapped executable, one per segment, sorted, without overlaps, cut to the file's
  // size.
  [[nodiscard]] std::span<const OffsetRange> executable_ranges() const { return executable_; }
  // Through PT_LOAD segments; executable ones win where two share a part of the file.
  [[nodiscard]] std::optional<Vaddr> to_vaddr(FileOffset offset) const;
  [[nodiscard]] std::optional<FileOffset> to_offset(Vaddr address) const;
  // The bytes the file has from `address` to the end of its segment; empty when not backed by the file.
  [[nodiscard]] Bytes bytes_at(Vaddr address) const;

  [[nodiscard]] Bytes build_id() const;                // NT_GNU_BUILD_ID, empty: none
  [[nodiscard]] std::string_view go_build_id() const;  // empty: none
  [[nodiscard]] std::optional<DebugLink> debug_link() const;
  [[nodiscard]] std::string_view interpreter() const;  // PT_INTERP, empty: none
  [[nodiscard]] std::string_view soname() const;       // DT_SONAME, empty: none
  // A program that needs no dynamic loader (static-pie too).
  [[nodiscard]] bool is_static() const;
  // The shared objects it loads with (DT_NEEDED), by their names.
  [[nodiscard]] std::vector<std::string_view> needed() const;
  [[nodiscard]] bool needs_others() const;  // there are such
  // The symbols and unwind tables packed in .gnu_debugdata ("minidebuginfo"), at most 64 MiB. kNotFound when
  // absent.
  [[nodiscard]] Result<Image> mini_debug_image() const;

 private:
  Image() = default;
  Result<void> parse();
  void parse_segments(uint64_t offset, uint16_t entry_size, uint64_t count);
  void parse_sections(uint64_t offset, uint16_t entry_size, uint64_t count, uint64_t names_index);
  void find_executable_ranges();
  [[nodiscard]] Bytes note(std::string_view owner, uint32_t type) const;
  [[nodiscard]] std::vector<uint64_t> dynamic_entries(int64_t tag, size_t limit) const;
  [[nodiscard]] std::optional<uint64_t> dynamic_entry(int64_t tag) const;
  [[nodiscard]] FileId compute_file_id() const;

  os::MappedFile file_;
  std::optional<SectionData> memory_;
  Bytes bytes_;
  Bytes program_headers_;
  Machine machine_ = Machine::kX86_64;
  uint16_t type_ = 0;
  Vaddr entry_;
  FileId file_id_;
  std::vector<Segment> segments_;
  std::vector<Section> sections_;
  std::vector<OffsetRange> executable_;
  Charge charge_;
};

}  // namespace gp::elf
