#include "runtimes/perl/perl_runtime.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtimes/code.h"
#include "runtimes/perl/code_symbol.h"
#include "runtimes/perl/interpreter.h"
#include "runtimes/perl/offsets.h"

namespace gp::runtimes::perl {
namespace {

elf::CodeRange range_of(const Symbol& symbol) { return {symbol.address, symbol.address + symbol.size}; }

uint16_t register_of(const elf::Image& image, const Symbol& loop) {
  const Bytes code = image.bytes_at(loop.address);
  return interpreter_register(code.first(std::min<uint64_t>(code.size(), loop.size)));
}

// Symbols with versions: those of glibc have them, those of musl do not.
bool uses_glibc(const elf::Image& image) {
  for (const auto& section : image.sections())
    if (section.type == SHT_GNU_verneed) return true;
  return false;
}

std::optional<gp_perl> layout_of(const Interpreter& found, const Version& version) {
  if (version.revision != 5) return std::nullopt;
  if (found.thread_key) return found.first ? offsets_of(version.number) : std::nullopt;
  std::array<Vaddr, kVariables> variables{};
  std::ranges::transform(found.variables, variables.begin(),
                         [](const auto& symbol) { return symbol.value_or(Symbol{}).address; });
  return offsets_of(version.number, variables);
}

// What is after the version's number: what sets this build apart.
std::string_view kind_of(const elf::Image& image, const Interpreter& found) {
  if (has_long_doubles(image, found)) return " with long doubles";
  return found.thread_key ? "" : " without threads";
}

}  // namespace

std::optional<targets::RuntimeFile> PerlRuntime::detect(const elf::Image& image, std::string_view) const {
  const auto found = find_interpreter(image);
  if (!found) return std::nullopt;

  targets::RuntimeFile file;
  const Version version = version_of(image, *found);
  file.version = fmt::format("{}{}", version.text(), kind_of(image, *found));
  const Symbol debug_loop = found->debug_loop.value_or(Symbol{});
  file.eval = {file_range(image, range_of(found->loop)), file_range(image, range_of(debug_loop))};
  auto perl = layout_of(*found, version);
  if (!perl || has_long_doubles(image, *found) || file.eval[0].empty() || image.machine() != elf::Machine::kX86_64)
    return file;
  if (found->thread_key) {
    perl->loop_register[0] = register_of(image, found->loop);
    perl->loop_register[1] = register_of(image, debug_loop);
    if (uses_glibc(image)) file.state[kThreadKey] = found->thread_key->address;
    file.state[kFirst] = found->first.value_or(Symbol{}).address;
  } else {
    file.state[kOnly] = found->variables[kOp].value_or(Symbol{}).address;
  }
  file.state[kLoop] = found->loop.address;
  file.state[kDebugLoop] = debug_loop.address;
  file.entry = targets::entry_with(GP_RUNTIME_PERL, *perl);
  file.supported = true;
  return file;
}

Result<gp_runtime_entry> PerlRuntime::attach(const targets::RuntimeFile& file, const targets::MemoryReader& memory,
                                             uint64_t bias) const {
  if (!file.supported) return fail(ErrorCode::kUnsupported, fmt::format("perl {}", file.version));
  auto perl = targets::layout_of<gp_perl>(file.entry);
  const auto in_process = [&](StateAddress which) {
    return file.state[which].value == 0 ? 0 : file.state[which].value + bias;
  };
  perl.key = in_process(kThreadKey);
  perl.only = in_process(kOnly);
  perl.loop[0] = in_process(kLoop);
  perl.loop[1] = in_process(kDebugLoop);

  // Then symbols say where everything is; the walker looks at PL_runops itself.
  if (perl.only != 0) return targets::entry_with(GP_RUNTIME_PERL, perl);

  std::array<uint8_t, sizeof(uint64_t)> word{};
  if (!memory.read(Pc{in_process(kFirst)}, word)) return fail(ErrorCode::kNotFound, "cannot read perl's variables");
  // None before it is made; nothing tells then, but the walker asks the same of each it meets.
  const uint64_t interpreter = read_at<uint64_t>(word, 0).value_or(0);
  if (interpreter == 0) return targets::entry_with(GP_RUNTIME_PERL, perl);
  if (!memory.read(Pc{interpreter + static_cast<uint64_t>(perl.runops)}, word))
    return fail(ErrorCode::kNotFound, "cannot read perl's interpreter");
  // Another value: the variables lie elsewhere than the table says, or an extension runs a loop of its own, which is not
  // walked either.
  const uint64_t loop = read_at<uint64_t>(word, 0).value_or(0);
  if (loop != 0 && loop != perl.loop[0] && loop != perl.loop[1])
    return fail(ErrorCode::kMalformed, fmt::format("perl {} does not look like one in memory", file.version));
  return targets::entry_with(GP_RUNTIME_PERL, perl);
}

std::optional<targets::CodeSymbol> PerlRuntime::decode(std::span<const uint8_t> record,
                                                       const targets::MemoryReader*) const {
  return decode_symbol(record);
}

uint32_t PerlRuntime::line(const targets::CodeSymbol&, uint32_t where) const { return where; }

}  // namespace gp::runtimes::perl
