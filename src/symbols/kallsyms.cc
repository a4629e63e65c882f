#include "symbols/kallsyms.h"

#include <algorithm>
#include <charconv>

namespace gp::symbols {
namespace {

constexpr uint32_t kMark = ~uint32_t{0};
constexpr uint16_t kMaxModules = 0x3fff;

// How far code made at run time may reach past its symbol when nothing follows it: far more than any BPF program
// (a million instructions at most, usually a few KiB of machine code), less than the distance to unrelated code.
constexpr uint64_t kGeneratedReach = 1U << 20U;

// CONFIG_FUNCTION_PADDING_BYTES is at most 59 (arch/x86/Kconfig); the symbol before a padded function is __pfx_NAME.
constexpr uint64_t kMaxPadding = 64;
constexpr std::string_view kPaddingPrefix = "__pfx_";

std::string_view take_word(std::string_view& text) {
  const size_t from = std::min(text.find_first_not_of(" \t"), text.size());
  const size_t to = std::min(text.find_first_of(" \t", from), text.size());
  const std::string_view word = text.substr(from, to - from);
  text.remove_prefix(to);
  return word;
}

std::optional<uint64_t> parse_number(std::string_view text, int base) {
  if (base == 16 && text.starts_with("0x")) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Names that the linker script puts around sections (include/asm-generic/vmlinux.lds.h): no functions.
bool is_section_mark(std::string_view name) {
  if (name == "_text" || name == "_stext" || name == "_etext" || name == "_sinittext" || name == "_einittext")
    return true;
  return name.starts_with("__") && (name.ends_with("text_start") || name.ends_with("text_end") || name == "__pi__text");
}

bool is_code(char type) { return type == 't' || type == 'T' || type == 'w' || type == 'W'; }

unsigned rank_of(char type) { return type == 'T' ? 0 : type == 't' ? 1 : 2; }

}  // namespace

void KallsymsTable::add_line(std::string_view line) {
  const auto address = parse_number(take_word(line), 16);
  const std::string_view type = take_word(line);
  const std::string_view name = take_word(line);
  std::string_view module = take_word(line);
  if (!address || type.size() != 1 || name.empty()) {
    ++malformed_;
    return;
  }
  if (module.size() > 2 && module.front() == '[' && module.back() == ']') module = module.substr(1, module.size() - 2);
  ++seen_;
  if (*address == 0) ++zero_;
  if (*address == 0 || !is_code(type.front())) return;

  if (name.starts_with(kPaddingPrefix)) {  // its address becomes the start of the function that follows
    padded_ = name.substr(kPaddingPrefix.size());
    padding_start_ = *address;
    return;
  }
  const bool padded = name == padded_ && *address >= padding_start_ && *address - padding_start_ <= kMaxPadding;
  add(padded ? padding_start_ : *address, type.front(), name, module);
}

void KallsymsTable::add(uint64_t address, char type, std::string_view name, std::string_view module) {
  if (symbols_.size() >= kMaxSymbols || names_.size() + name.size() > kMaxNameBytes || name.size() > kMaxLineBytes) {
    ++dropped_;
    return;
  }
  Symbol symbol;
  symbol.address = address;
  symbol.rank = rank_of(type) & 3U;
  symbol.module = module_index(module) & kMaxModules;
  symbol.name = kMark;
  if (!is_section_mark(name)) {
    symbol.name = static_cast<uint32_t>(names_.size());
    symbol.name_size = static_cast<uint16_t>(name.size());
    names_ += name;
  }
  symbols_.push_back(symbol);
}

std::optional<ModuleLine> parse_module_line(std::string_view line) {
  // name size users dependents state address
  const std::string_view name = take_word(line);
  const auto size = parse_number(take_word(line), 10);
  for (int i = 0; i < 3; ++i) take_word(line);
  const auto address = parse_number(take_word(line), 16);
  if (name.empty() || !size || !address || *size > ~uint64_t{0} - *address) return std::nullopt;
  return ModuleLine{.name = name, .address = *address, .size = *size};
}

void KallsymsTable::add_module_line(std::string_view line) {
  const auto module = parse_module_line(line);
  if (!module) {
    ++malformed_;
    return;
  }
  const uint16_t index = module_index(module->name);
  if (module->address != 0 && index != 0) modules_[index].end = module->address + module->size;
}

uint16_t KallsymsTable::module_index(std::string_view name) {
  if (name.empty()) return 0;
  const auto found = module_numbers_.find(std::string(name));
  if (found != module_numbers_.end()) return found->second;
  if (modules_.size() > kMaxModules) return 0;
  const auto index = static_cast<uint16_t>(modules_.size());
  modules_.push_back({std::string(name), 0});
  module_numbers_.emplace(name, index);
  return index;
}

std::string_view KallsymsTable::name_of(const Symbol& symbol) const {
  return symbol.name == kMark ? std::string_view() : std::string_view(names_).substr(symbol.name, symbol.name_size);
}

// Which of two names of one address is shown: a function before a section mark, global before local before
// weak, then the shorter, then the first in the alphabet, so that every run shows the same one.
bool KallsymsTable::preferred(const Symbol& a, const Symbol& b) const {
  if ((a.name == kMark) != (b.name == kMark)) return b.name == kMark;
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.name_size != b.name_size) return a.name_size < b.name_size;
  return name_of(a) < name_of(b);
}

void KallsymsTable::finish() {
  std::sort(symbols_.begin(), symbols_.end(), [this](const Symbol& a, const Symbol& b) {
    return a.address != b.address ? a.address < b.address : preferred(a, b);
  });
  const auto last = std::unique(symbols_.begin(), symbols_.end(),
                                [](const Symbol& a, const Symbol& b) { return a.address == b.address; });
  symbols_.erase(last, symbols_.end());
  symbols_.shrink_to_fit();
  names_.shrink_to_fit();
  module_numbers_ = {};
  padded_ = {};
}

uint64_t KallsymsTable::end_of(const Symbol& symbol) const {
  if (symbol.module == 0) return ~uint64_t{0};
  const uint64_t module_end = modules_[symbol.module].end;
  if (module_end != 0) return module_end;
  return symbol.address > ~uint64_t{0} - kGeneratedReach ? ~uint64_t{0} : symbol.address + kGeneratedReach;
}

std::optional<KernelSymbol> KallsymsTable::find(Pc pc) const {
  const auto after = std::upper_bound(symbols_.begin(), symbols_.end(), pc.value,
                                      [](uint64_t address, const Symbol& s) { return address < s.address; });
  if (after == symbols_.begin()) return std::nullopt;
  const Symbol& symbol = *std::prev(after);
  if (symbol.name == kMark || pc.value >= end_of(symbol)) return std::nullopt;
  return KernelSymbol{name_of(symbol), modules_[symbol.module].name};
}

Result<void> KallsymsTable::for_each_function(std::string_view module, const FunctionCallback& callback) const {
  const auto number = std::ranges::find(modules_, module, &Module::name) - modules_.begin();
  const auto belongs = [number](const Symbol& symbol) { return symbol.module == number; };
  auto symbol = std::find_if(symbols_.begin(), symbols_.end(), belongs);
  while (symbol != symbols_.end()) {
    const auto next = std::find_if(symbol + 1, symbols_.end(), belongs);
    const uint64_t end = next != symbols_.end() ? next->address : ~uint64_t{0};
    const bool bounded = next != symbols_.end() || !module.empty();
    if (symbol->name != kMark && bounded) GP_TRY(callback(symbol->address, end, name_of(*symbol)));
    symbol = next;
  }
  return {};
}

size_t KallsymsTable::memory_bytes() const {
  size_t bytes = sizeof(*this) + symbols_.capacity() * sizeof(Symbol) + names_.capacity();
  for (const Module& module : modules_) bytes += sizeof(Module) + module.name.capacity();
  return bytes;
}

}  // namespace gp::symbols
