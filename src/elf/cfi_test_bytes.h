// Assembles frame sections for tests.
#pragma once

#include <dwarf.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "elf/cfi_source.h"

namespace gp::elf {

using Code = std::vector<uint8_t>;

inline constexpr uint8_t kAdvance1 = DW_CFA_advance_loc | 1;
inline constexpr uint8_t kOffsetRbp = DW_CFA_offset | 6;
inline constexpr uint8_t kOffsetRip = DW_CFA_offset | 16;

// A section of one CIE (the usual: code alignment 1, data alignment -8, CFA = rsp + 8, return address at CFA - 8) and
// the FDEs added to it.
class FrameBytes {
 public:
  explicit FrameBytes(std::string_view augmentation = "", const Code& augmentation_data = {}, uint8_t version = 1)
      : augmented_(augmentation.starts_with('z')), is_debug_frame_(augmentation.empty()) {
    Code body{version};
    for (const char letter : augmentation) body.push_back(static_cast<uint8_t>(letter));
    body.push_back(0);
    if (version == 4) append(body, {8, 0});
    append(body, {1, 0x78, 16});
    if (augmented_) body.push_back(static_cast<uint8_t>(augmentation_data.size()));
    body.insert(body.end(), augmentation_data.begin(), augmentation_data.end());
    append(body, {DW_CFA_def_cfa, 7, 8, kOffsetRip, 1});
    add_entry(is_debug_frame_ ? 0xffffffffU : 0, body);
  }

  // In .debug_frame form addresses are absolute; with a 'z' augmentation they are relative to their place, 4 bytes.
  FrameBytes& add(uint64_t begin, uint64_t size, const Code& instructions) {
    Code body;
    if (is_debug_frame_) {
      append_value(body, begin);
      append_value(body, size);
    } else {
      const uint64_t field_at = kSectionAddress + bytes_.size() + 8;
      append_value(body, static_cast<int32_t>(begin - field_at));
      append_value(body, static_cast<int32_t>(size));
    }
    if (augmented_) body.push_back(0);
    body.insert(body.end(), instructions.begin(), instructions.end());
    add_entry(is_debug_frame_ ? 0U : static_cast<uint32_t>(bytes_.size() + 4), body);
    return *this;
  }

  [[nodiscard]] FrameSection section() const { return {bytes_, {kSectionAddress}, is_debug_frame_}; }
  [[nodiscard]] Code& bytes() { return bytes_; }

  // Rows of the page of addresses that begins at `page`.
  [[nodiscard]] UnwindPage compile(uint64_t page = 0x10000) const {
    CfiSource source(section(), FdeIndex::from_section(section()));
    RowBuilder builder;
    builder.start();
    PageRows rows(builder, {page});
    source.start_page();
    source.seek({page});
    const Vaddr end{page + GP_PAGE_SIZE};
    for (Vaddr at{page}; at < end;) {
      const auto span = source.next(at, end);
      if (!span) break;
      if (span->begin > at) rows.add_no_rule(at);
      source.emit(std::max(at, span->begin), std::min(span->end, end), rows);
      at = std::min(span->end, end);
      if (at < end) rows.add_no_rule(at);
    }
    return builder.finish();
  }

 private:
  static constexpr uint64_t kSectionAddress = 0x400000;

  static void append(Code& to, std::initializer_list<int> values) {
    for (const int value : values) to.push_back(static_cast<uint8_t>(value));
  }
  template <class T>
  static void append_value(Code& to, T value) {
    const size_t at = to.size();
    to.resize(at + sizeof(T));
    std::memcpy(to.data() + at, &value, sizeof(T));
  }
  void add_entry(uint32_t id, const Code& body) {
    append_value(bytes_, static_cast<uint32_t>(body.size() + 4));
    append_value(bytes_, id);
    bytes_.insert(bytes_.end(), body.begin(), body.end());
  }

  bool augmented_;
  bool is_debug_frame_;
  Code bytes_;
};

}  // namespace gp::elf
