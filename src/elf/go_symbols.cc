#include "elf/go_symbols.h"

#include <algorithm>
#include <array>

#include "elf/go_module.h"
#include "elf/symbol_table.h"

namespace gp::elf {

// Offsets in bytes. Sources: runtime/symtab.go (pcHeader, moduledata), runtime2.go (_func) and symtabinl.go or symtab.go
// (inlinedCall) of Go 1.16, 1.18 and 1.20; 1.26 is as 1.20 but for a text start that only moduledata holds.
struct GoSymbols::Layout {
  uint32_t magic;
  size_t offsets_at;  // of the five table offsets in the header
  bool absolute;      // function entries are addresses, not offsets from the text start
  size_t name, file, line, value_tables, unit, data_count, record_bytes;  // in _func
  size_t inline_name, inline_parent, inline_bytes;                        // in inlinedCall
  size_t module_inline_base;                                              // moduledata.gofunc
};

namespace {

constexpr size_t kModuleText = 176;       // moduledata.text
constexpr uint32_t kInlineTreeData = 3;   // FUNCDATA_InlTree, internal/abi/symtab.go
constexpr uint32_t kInlineTreeValue = 2;  // PCDATA_InlTreeIndex
constexpr size_t kMaxInlineDepth = 64;
constexpr uint64_t kMaxFunctions = 1U << 24U;
constexpr size_t kMaxNameBytes = 4096;
constexpr size_t kMaxValueSteps = 1U << 20U;  // of one table: a function of several MiB

std::optional<uint64_t> symbol_address(const Image& image, std::string_view name) {
  const SymbolTable table = SymbolTable::full(image);
  for (size_t i = 0; i < table.size(); ++i) {
    const auto symbol = table.function(i);
    if (symbol && symbol->name == name) return symbol->address.value;
  }
  return std::nullopt;
}

std::string text_at(Bytes bytes, uint64_t offset) {
  return std::string(string_at(bytes, offset).value_or("").substr(0, kMaxNameBytes));
}

// Type arguments as Go's own tracebacks and profiles print them: "slices.Sort[...]" (runtime/symtab.go,
// funcNameForPrint). Spelt out they are shapes such as "go.shape.struct { … }".
std::string without_type_arguments(const std::string& name) {
  const size_t open = name.find('[');
  const size_t close = name.rfind(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return name;
  return name.substr(0, open) + "[...]" + name.substr(close + 1);
}

}  // namespace

std::optional<GoSymbols> GoSymbols::find(const Image& image) {
  for (const GoTable& table : go_tables(image)) {
    GoSymbols symbols;
    symbols.image_ = &image;
    if (symbols.parse(image, table.bytes, table.address)) return symbols;
  }
  return std::nullopt;
}

bool GoSymbols::parse(const Image& image, Bytes table, Vaddr address) {
  static constexpr std::array<Layout, 3> kLayouts{{
      {0xfffffffaU, 24, true, 8, 24, 28, 32, 36, 43, 44, 12, 16, 20, 0},
      {0xfffffff0U, 32, false, 4, 20, 24, 28, 32, 39, 40, 12, 16, 20, 304},
      {0xfffffff1U, 32, false, 4, 20, 24, 28, 32, 43, 44, 4, 8, 16, 320},
  }};
  const auto magic = read_at<uint32_t>(table, 0);
  const auto layout = std::find_if(kLayouts.begin(), kLayouts.end(), [&](const Layout& l) { return l.magic == magic; });
  if (layout == kLayouts.end()) return false;
  layout_ = &*layout;
  address_ = address;
  quantum_ = read_at<uint8_t>(table, 6).value_or(0);
  function_count_ = read_at<uint64_t>(table, 8).value_or(0);
  if (read_at<uint8_t>(table, 7) != 8 || quantum_ == 0 || function_count_ == 0 || function_count_ > kMaxFunctions)
    return false;

  std::array<Bytes*, 5> parts{&names_, &units_, &files_, &values_, &functions_};
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto offset = read_at<uint64_t>(table, layout_->offsets_at + 8 * i);
    if (!offset || *offset >= table.size()) return false;
    *parts[i] = table.subspan(*offset);
    functions_address_ = address + *offset;  // of the last one
  }
  const size_t field_bytes = layout_->absolute ? 8 : 4;
  if (functions_.size() < (2 * function_count_ + 1) * field_bytes) return false;
  const uint64_t names_offset = read_at<uint64_t>(table, layout_->offsets_at).value_or(0);
  if (!layout_->absolute && !locate_module(image, address + names_offset)) return false;
  // A table whose addresses wait for relocations reads as zeros or as nonsense.
  return table_entry(0) < table_entry(function_count_) && image.to_offset({table_entry(0)}).has_value();
}

// Text start and the base of inline trees. The header's own text start (Go 1.18 to 1.25) may wait for relocation too.
bool GoSymbols::locate_module(const Image& image, Vaddr names) {
  const auto module = go_module_data(image, address_, names);
  if (module) {
    inline_base_ = pointer_at(image, *module + layout_->module_inline_base).value_or(0);
    text_ = pointer_at(image, *module + kModuleText).value_or(0);
  }
  if (text_ == 0) text_ = pointer_at(image, address_ + 24).value_or(0);
  if (text_ == 0) text_ = symbol_address(image, "runtime.text").value_or(0);
  return text_ != 0;
}

uint64_t GoSymbols::table_entry(uint64_t index) const {
  if (layout_->absolute) return read_at<uint64_t>(functions_, index * 16).value_or(0);
  return text_ + read_at<uint32_t>(functions_, index * 8).value_or(0);
}

std::optional<GoSymbols::Function> GoSymbols::function_at(uint64_t pc) const {
  if (pc < table_entry(0) || pc >= table_entry(function_count_)) return std::nullopt;
  uint64_t low = 0;  // the last function that starts at or before pc lies in [low, high)
  for (uint64_t high = function_count_; high - low > 1;) {
    const uint64_t middle = low + (high - low) / 2;
    (table_entry(middle) <= pc ? low : high) = middle;
  }
  const auto offset = layout_->absolute ? read_at<uint64_t>(functions_, low * 16 + 8)
                                        : std::optional<uint64_t>(read_at<uint32_t>(functions_, low * 8 + 4));
  if (!offset || *offset > functions_.size() || functions_.size() - *offset < layout_->record_bytes)
    return std::nullopt;
  return Function{functions_.subspan(*offset), functions_address_ + *offset, table_entry(low), table_entry(low + 1)};
}

uint32_t GoSymbols::field(const Function& function, size_t offset) const {
  return read_at<uint32_t>(function.record, offset).value_or(0);
}

// Reads a table of (value delta, pc delta) pairs up to `pc`; nothing where it does not say (runtime/symtab.go, step).
std::optional<int32_t> GoSymbols::value_at(const Function& function, uint32_t table, uint64_t pc) const {
  if (table == 0 || table >= values_.size()) return std::nullopt;
  ByteReader reader(values_, table);
  uint32_t value = ~0U;
  uint64_t position = function.entry;
  for (size_t i = 0; i < kMaxValueSteps; ++i) {
    const auto delta = static_cast<uint32_t>(reader.uleb128());
    if (!reader.ok() || (delta == 0 && i > 0)) return std::nullopt;
    value += (delta & 1U) != 0 ? ~(delta >> 1U) : delta >> 1U;
    const uint64_t step = (reader.uleb128() & UINT32_MAX) * quantum_;
    if (!reader.ok() || step == 0) return std::nullopt;
    position += step;
    if (pc < position) return static_cast<int32_t>(value);
  }
  return std::nullopt;
}

int32_t GoSymbols::inline_index(const Function& function, uint64_t pc) const {
  if (field(function, layout_->value_tables) <= kInlineTreeValue) return -1;
  return value_at(function, field(function, layout_->record_bytes + 4 * kInlineTreeValue), pc).value_or(-1);
}

Bytes GoSymbols::inline_tree(const Function& function) const {
  const uint64_t data_count = read_at<uint8_t>(function.record, layout_->data_count).value_or(0);
  if (data_count <= kInlineTreeData) return {};
  const uint64_t data = layout_->record_bytes + 4 * uint64_t{field(function, layout_->value_tables)};
  if (layout_->absolute) {  // pointers, aligned
    const uint64_t aligned = ((function.address.value + data + 7) & ~uint64_t{7}) - function.address.value;
    const auto tree = read_at<uint64_t>(function.record, aligned + 8 * kInlineTreeData);
    return tree && *tree != 0 ? image_->bytes_at({*tree}) : Bytes();
  }
  const auto offset = read_at<uint32_t>(function.record, data + 4 * kInlineTreeData);
  if (!offset || *offset == UINT32_MAX || inline_base_ == 0) return {};
  return image_->bytes_at({inline_base_ + *offset});
}

SourceFrame GoSymbols::frame(const Function& function, uint32_t name, uint64_t pc) const {
  SourceFrame frame;
  frame.function = without_type_arguments(text_at(names_, name));
  const auto line = value_at(function, field(function, layout_->line), pc);
  if (line && *line > 0) frame.line = static_cast<uint32_t>(*line);
  const auto file = value_at(function, field(function, layout_->file), pc);
  if (!file || *file < 0) return frame;
  const uint64_t number = uint64_t{field(function, layout_->unit)} + static_cast<uint32_t>(*file);
  const auto offset = read_at<uint32_t>(units_, 4 * number);
  if (offset && *offset != UINT32_MAX) frame.file = text_at(files_, *offset);
  return frame;
}

std::vector<SourceFrame> GoSymbols::lookup(Vaddr address) const {
  const auto function = function_at(address.value);
  if (!function) return {};
  std::vector<SourceFrame> frames;  // innermost first
  uint64_t pc = address.value;
  const Bytes tree = inline_tree(*function);
  while (frames.size() < kMaxInlineDepth) {
    const int32_t index = tree.empty() ? -1 : inline_index(*function, pc);
    if (index < 0) break;
    const uint64_t at = static_cast<uint64_t>(index) * layout_->inline_bytes;
    const auto name = read_at<uint32_t>(tree, at + layout_->inline_name);
    const auto parent = read_at<uint32_t>(tree, at + layout_->inline_parent);
    if (!name || !parent || *parent >= function->end - function->entry) break;
    frames.push_back(frame(*function, *name, pc));
    frames.back().inlined = true;
    pc = function->entry + *parent;
  }
  frames.push_back(frame(*function, field(*function, layout_->name), pc));
  std::reverse(frames.begin(), frames.end());
  if (frames.front().function.empty()) return {};
  return frames;
}

}  // namespace gp::elf
