#include "runtimes/perl/interpreter.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "runtimes/code.h"

namespace gp::runtimes::perl {
namespace {

// By Variable.
constexpr std::array<std::string_view, kVariables> kNames = {"PL_op",           "PL_savestack_ix", "PL_curcop",
                                                             "PL_curstackinfo", "PL_top_env",      "PL_main_cv",
                                                             "PL_compiling",    "PL_runops"};

struct Found {
  std::optional<Symbol> loop;
  std::optional<Symbol> debug_loop;
  std::optional<Symbol> thread_key;
  std::array<std::optional<Symbol>, kVariables> variables;
  std::optional<Symbol> first;
  std::optional<Symbol> options;
  std::optional<Symbol> version;
  std::optional<Symbol> revision;

  std::optional<Symbol>* of(std::string_view name) {
    if (name == "Perl_runops_standard") return &loop;
    if (name == "Perl_runops_debug") return &debug_loop;
    if (name == "PL_thr_key") return &thread_key;
    if (name == "PL_curinterp") return &first;
    if (name == "PL_bincompat_options") return &options;
    if (name == "PL_version") return &version;
    if (name == "PL_revision") return &revision;
    const auto* variable = std::ranges::find(kNames, name);
    return variable == kNames.end() ? nullptr : &variables[static_cast<size_t>(variable - kNames.begin())];
  }
};

void read(const elf::Image& image, SymbolSection section, Found& found) {
  constexpr std::array<std::string_view, 2> kStarts = {"Perl", "PL_"};
  each_symbol(image, section, kStarts, [&found](std::string_view name, const Symbol& symbol) {
    auto* into = found.of(name);
    // Of two symbols of one name the first is kept: .dynsym comes first.
    if (into != nullptr && !*into) *into = symbol;
  });
}

uint8_t byte_at(const elf::Image& image, const std::optional<Symbol>& symbol) {
  if (!symbol) return 0;
  const Bytes bytes = image.bytes_at(symbol->address);
  return bytes.empty() ? uint8_t{0} : bytes[0];
}

// The callee-saved register that `mov REGISTER, %rdi` reads (48 89 /r or 4c 89 /r with rdi as what is written; Intel
// SDM volume 2, MOV), by DWARF number; 0: it is another instruction.
uint16_t moved_to_rdi(Bytes code) {
  if (code.size() < 3 || (code[0] != 0x48 && code[0] != 0x4c) || code[1] != 0x89 || (code[2] & 0xc7U) != 0xc7U)
    return 0;
  const unsigned number = (code[2] >> 3U & 7U) + (code[0] == 0x4c ? 8U : 0U);
  if (number == 3) return 3;  // rbx
  if (number == 5) return 6;  // rbp
  return number >= 12 ? static_cast<uint16_t>(number) : uint16_t{0};
}

}  // namespace

std::optional<Interpreter> find_interpreter(const elf::Image& image) {
  Found found;
  read(image, SymbolSection::kDynamic, found);
  if (!found.loop) read(image, SymbolSection::kFull, found);
  if (!found.loop || found.loop->size == 0) return std::nullopt;
  return Interpreter{*found.loop, found.debug_loop, found.thread_key, found.variables,
                     found.first, found.options,    found.version,    found.revision};
}

std::string Version::text() const { return revision == 0 ? "?" : fmt::format("{}.{}", revision, number); }

Version version_of(const elf::Image& image, const Interpreter& interpreter) {
  const uint8_t revision = byte_at(image, interpreter.revision);
  return revision == 0 ? Version{} : Version{revision, byte_at(image, interpreter.version)};
}

// PL_bincompat_options, perl.h: words with a space before each.
bool has_long_doubles(const elf::Image& image, const Interpreter& interpreter) {
  if (!interpreter.options) return false;
  const Bytes bytes = code_at(image, interpreter.options->address, interpreter.options->size);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.contains(" USE_LONG_DOUBLE") || text.contains(" USE_QUADMATH");
}

uint16_t interpreter_register(Bytes code) {
  constexpr size_t kMov = 3;
  constexpr size_t kNear = 12;         // bytes from the move to the call
  constexpr uint8_t kFunction = 0x10;  // op_ppaddr, op.h
  for (size_t at = kMov; at + 3 <= code.size(); ++at) {
    // call *0x10(REGISTER): ff /2 with 8 bits of displacement.
    if (code[at] != 0xff || (code[at + 1] & 0xf8U) != 0x50U || code[at + 2] != kFunction) continue;
    for (size_t back = kMov; back <= std::min(at, kNear); ++back)
      if (const uint16_t number = moved_to_rdi(code.subspan(at - back, kMov)); number != 0) return number;
  }
  return 0;
}

}  // namespace gp::runtimes::perl
