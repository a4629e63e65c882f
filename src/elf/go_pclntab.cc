#include "elf/go_pclntab.h"

#include <elf.h>

#include <limits>

namespace gp::elf {
namespace {

// Magic numbers (internal/abi/symtab.go). 1.20 changed nothing that is read here.
constexpr uint32_t kMagic116 = 0xfffffffa;
constexpr uint32_t kMagic118 = 0xfffffff0;
constexpr uint32_t kMagic120 = 0xfffffff1;
constexpr uint64_t kModuleText = 176;  // offset of moduledata.text, 1.16 to 1.26
constexpr size_t kMaxFunctions = 8'000'000;

// Fields of _func, from nameOff on.
constexpr uint64_t kNameField = 0;
constexpr uint64_t kStackDeltaField = 12;

Bytes table_bytes(const Image& image) {
  for (const std::string_view name : {".gopclntab", ".data.rel.ro.gopclntab"})
    if (const Section* section = image.section(name)) return image.raw(*section);
  return {};
}

// The file leaves words that the dynamic loader fills as zero: their value is in the relocation.
std::optional<uint64_t> relocated_word(const Image& image, Vaddr address) {
  const auto word = read_at<uint64_t>(image.bytes_at(address), 0);
  if (!word || *word != 0) return word;
  for (const Section& section : image.sections()) {
    if (section.type != SHT_RELA || (section.flags & SHF_ALLOC) == 0) continue;
    const Bytes table = image.raw(section);
    for (uint64_t at = 0; const auto rela = read_at<Elf64_Rela>(table, at); at += sizeof(Elf64_Rela))
      if (rela->r_offset == address.value && ELF64_R_TYPE(rela->r_info) == R_X86_64_RELATIVE)
        return static_cast<uint64_t>(rela->r_addend);
  }
  return std::nullopt;
}

std::optional<uint64_t> text_from_module(const Image& image) {
  const Section* module = image.section(".go.module");
  if (module == nullptr) return std::nullopt;
  return relocated_word(image, module->address + kModuleText);
}

// Where code offsets count from: in the header up to 1.25, where a position independent file has it relocated; in
// the module data since 1.26.
std::optional<uint64_t> text_start(const Image& image, Bytes table, uint64_t header_text, uint64_t field_at) {
  if (header_text != 0) return header_text;
  if (const auto text = text_from_module(image)) return text;
  const auto offset = static_cast<uint64_t>(table.data() - image.bytes().data());
  const auto address = image.to_vaddr({offset + field_at});
  return address ? relocated_word(image, *address) : std::nullopt;
}

Bytes from(Bytes bytes, uint64_t offset) {
  return offset <= bytes.size() ? bytes.subspan(static_cast<size_t>(offset)) : Bytes();
}

}  // namespace

std::optional<GoPcValues::Step> GoPcValues::next() {
  const uint64_t coded = reader_.uleb128();
  if (!reader_.ok() || (coded == 0 && !first_)) return std::nullopt;
  first_ = false;
  const uint64_t distance = reader_.uleb128() * quantum_;
  if (!reader_.ok() || distance == 0 || distance > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  const auto delta = static_cast<uint32_t>((coded & 1U) != 0 ? ~(coded >> 1U) : coded >> 1U);
  value_ = static_cast<int32_t>(static_cast<uint32_t>(value_) + delta);
  const Step step{at_, at_ + distance, value_};
  at_ = step.end;
  return step;
}

std::optional<GoPclntab> GoPclntab::from_image(const Image& image) {
  const Bytes bytes = table_bytes(image);
  ByteReader reader(bytes);
  const auto magic = reader.read<uint32_t>();
  reader.skip(2);
  GoPclntab table;
  table.quantum_ = reader.read<uint8_t>();
  const auto pointer_size = reader.read<uint8_t>();
  if (!reader.ok() || pointer_size != 8 || table.quantum_ == 0) return std::nullopt;
  table.has_wide_entries_ = magic == kMagic116;
  if (!table.has_wide_entries_ && magic != kMagic118 && magic != kMagic120) return std::nullopt;

  const auto functions = reader.read<uint64_t>();
  reader.skip(8);  // number of files
  if (!table.has_wide_entries_) {
    const size_t field_at = reader.position();
    const auto text = text_start(image, bytes, reader.read<uint64_t>(), field_at);
    if (!text) return std::nullopt;
    table.text_ = {*text};
  }
  table.names_ = from(bytes, reader.read<uint64_t>());
  reader.skip(16);  // units, files
  table.pc_values_ = from(bytes, reader.read<uint64_t>());
  table.functions_ = from(bytes, reader.read<uint64_t>());
  if (!reader.ok() || functions > kMaxFunctions) return std::nullopt;
  table.count_ = functions;
  if (!table.entry(table.count_)) return std::nullopt;  // the end of the last function follows them
  return table;
}

std::optional<Vaddr> GoPclntab::entry(size_t index) const {
  if (has_wide_entries_) {
    const auto address = read_at<uint64_t>(functions_, index * 16);
    if (!address) return std::nullopt;
    return Vaddr{*address};
  }
  const auto offset = read_at<uint32_t>(functions_, index * 8);
  if (!offset) return std::nullopt;
  return text_ + *offset;
}

std::optional<GoFunction> GoPclntab::function(size_t index) const {
  if (index >= count_) return std::nullopt;
  const auto begin = entry(index);
  const auto end = entry(index + 1);
  if (!begin || !end || *begin >= *end) return std::nullopt;
  // Each table entry is an address and the place of a record, which begins with the address again.
  const size_t width = has_wide_entries_ ? 8 : 4;
  const size_t at = (2 * index + 1) * width;
  const uint64_t record = has_wide_entries_ ? read_at<uint64_t>(functions_, at).value_or(UINT64_MAX)
                                            : read_at<uint32_t>(functions_, at).value_or(UINT32_MAX);
  if (record > functions_.size()) return std::nullopt;
  return GoFunction{*begin, *end, from(functions_, record + width)};
}

size_t GoPclntab::find(Vaddr address) const {
  size_t low = 0;
  size_t high = count_;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const auto begin = entry(middle);
    if (begin && *begin <= address)
      low = middle + 1;
    else
      high = middle;
  }
  return low == 0 ? 0 : low - 1;
}

std::string_view GoPclntab::name(const GoFunction& function) const {
  const auto offset = read_at<uint32_t>(function.record, kNameField);
  return offset ? string_at(names_, *offset).value_or("") : "";
}

GoPcValues GoPclntab::stack_deltas(const GoFunction& function) const {
  const auto offset = read_at<uint32_t>(function.record, kStackDeltaField).value_or(0);
  // Offset 0 means: no table.
  return {offset == 0 ? Bytes() : from(pc_values_, offset), quantum_};
}

}  // namespace gp::elf
