#include "elf/line_info.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <libelf.h>

#include <cstring>
#include <map>
#include <optional>

#include "elf/debug_copy.h"
#include "elf/dwarf_functions.h"

namespace gp::elf {
namespace {

struct DwarfEnd {
  void operator()(Dwarf* dwarf) const { ::dwarf_end(dwarf); }
};
struct ElfEnd {
  void operator()(Elf* elf) const { ::elf_end(elf); }
};

std::string text(const char* c_string) { return c_string != nullptr ? c_string : ""; }

// The last text of each section of texts ends there: libdw (0.188) reads on where it does not.
bool texts_end(Elf* elf) {
  size_t names = 0;
  if (::elf_getshdrstrndx(elf, &names) != 0) return false;
  for (Elf_Scn* section = nullptr; (section = ::elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (::gelf_getshdr(section, &header) == nullptr || header.sh_type == SHT_NOBITS) continue;
    const char* name = ::elf_strptr(elf, names, header.sh_name);
    if (name == nullptr || (std::strcmp(name, ".debug_str") != 0 && std::strcmp(name, ".debug_line_str") != 0))
      continue;
    const Elf_Data* data = ::elf_rawdata(section, nullptr);
    if (data == nullptr || data->d_size == 0) continue;
    if (static_cast<const char*>(data->d_buf)[data->d_size - 1] != '\0') return false;
  }
  return true;
}

}  // namespace

struct LineInfo::State {
  std::optional<Image> debug_file;
  std::vector<uint8_t> decompressed;
  std::unique_ptr<Elf, ElfEnd> elf;
  std::unique_ptr<Dwarf, DwarfEnd> dwarf;
  UnitIndex units;
  std::map<Dwarf_Off, FunctionIndex> functions;  // by offset of their unit's DIE; of units looked at so far
  size_t unit_bytes = 0;                         // estimate of what libdw holds for units looked at

  Result<void> open(const Image& image);
  const FunctionIndex& functions_of(Dwarf_Die& unit);
  void add_line(Dwarf_Die& unit, Vaddr address, SourceFrame& frame);
};

Result<void> LineInfo::State::open(const Image& image) {
  const DebugSizes sizes = debug_sizes(image);
  if (sizes.file_bytes == 0) return fail(ErrorCode::kNotFound, "no debug information");
  if (sizes.file_bytes > kMaxBytes || (sizes.compressed && sizes.memory_bytes > kMaxDecompressedBytes))
    return fail(ErrorCode::kLimit, "debug information is too large: lines and inlined functions are left out");
  if (sizes.compressed) {
    GP_ASSIGN(decompressed, decompressed_debug_sections(image, kMaxDecompressedBytes));
  }
  ::elf_version(EV_CURRENT);
  // libelf takes a mutable pointer for all kinds of use; what needs no decompressing is only read from.
  const Bytes bytes = sizes.compressed ? Bytes(decompressed) : image.bytes();
  elf.reset(::elf_memory(reinterpret_cast<char*>(const_cast<uint8_t*>(bytes.data())), bytes.size()));
  if (!elf) return fail(ErrorCode::kMalformed, fmt::format("libelf: {}", text(::elf_errmsg(-1))));
  if (!texts_end(elf.get())) return fail(ErrorCode::kMalformed, "debug information has a text without end");
  dwarf.reset(::dwarf_begin_elf(elf.get(), DWARF_C_READ, nullptr));
  if (!dwarf) return fail(ErrorCode::kMalformed, fmt::format("libdw: {}", text(::dwarf_errmsg(-1))));
  units = UnitIndex(dwarf.get());
  return {};
}

const FunctionIndex& LineInfo::State::functions_of(Dwarf_Die& unit) {
  const auto [found, added] = functions.try_emplace(::dwarf_dieoffset(&unit));
  if (added) {
    found->second = FunctionIndex(unit);
    unit_bytes += found->second.memory_bytes();
  }
  return found->second;
}

void LineInfo::State::add_line(Dwarf_Die& unit, Vaddr address, SourceFrame& frame) {
  Dwarf_Line* line = ::dwarf_getsrc_die(&unit, address.value);
  int number = 0;
  if (line == nullptr || ::dwarf_lineno(line, &number) != 0) return;
  frame.line = number > 0 ? static_cast<uint32_t>(number) : 0;
  frame.file = text(::dwarf_linesrc(line, nullptr, nullptr));
}

Result<LineInfo> LineInfo::open(const Image& image) {
  auto state = std::make_unique<State>();
  GP_TRY(state->open(image));
  return LineInfo(std::move(state));
}

Result<LineInfo> LineInfo::open(Image&& debug_file) {
  auto state = std::make_unique<State>();
  GP_TRY(state->open(state->debug_file.emplace(std::move(debug_file))));
  return LineInfo(std::move(state));
}

std::vector<SourceFrame> LineInfo::lookup(Vaddr address) {
  auto unit = state_->units.find(state_->dwarf.get(), address);
  if (!unit) return {};
  std::vector<SourceFrame> frames;
  if (auto function = state_->functions_of(*unit).find(state_->dwarf.get(), address))
    frames = inlined_chain(*unit, *function, address);
  if (frames.empty()) frames.emplace_back();
  state_->add_line(*unit, address, frames.back());
  if (frames.size() == 1 && frames[0].function.empty() && frames[0].line == 0) return {};
  return frames;
}

size_t LineInfo::memory_bytes() const {
  const auto& debug_file = state_->debug_file;
  const size_t file_bytes = debug_file.has_value() ? debug_file->owned_bytes() : 0;
  return sizeof(*state_) + file_bytes + state_->decompressed.capacity() + state_->units.memory_bytes() +
         state_->unit_bytes;
}

LineInfo::LineInfo(std::unique_ptr<State> state) : state_(std::move(state)) {}
LineInfo::LineInfo(LineInfo&&) noexcept = default;
LineInfo& LineInfo::operator=(LineInfo&&) noexcept = default;
LineInfo::~LineInfo() = default;

}  // namespace gp::elf
