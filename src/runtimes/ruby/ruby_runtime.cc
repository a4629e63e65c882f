#include "runtimes/ruby/ruby_runtime.h"

#include <fmt/format.h>

#include "bpf/abi/ruby.h"
#include "runtimes/code.h"
#include "runtimes/ruby/code_scan.h"
#include "runtimes/ruby/code_symbol.h"
#include "runtimes/ruby/lines.h"
#include "runtimes/ruby/offsets.h"
#include "runtimes/ruby/symbols.h"
#include "runtimes/thread_variable.h"

namespace gp::runtimes::ruby {
namespace {

constexpr uint16_t kFirstWithTls = 0x0300;  // ruby_current_ec is a thread's own since 3.0 (vm_core.h)

constexpr uint16_t kFirstWithYjit = 0x0301;

// RuntimeFile::state: addresses in the file.
enum State : uint8_t {
  kContextSlot,
  kCurrentContext,
  kCurrentVm,
  kSymbolTable,
  kFirstLiteral,
  kCodeStart = kFirstLiteral + GP_RUBY_LITERALS,
  kCodeEnd
};
static_assert(kCodeEnd < targets::kRuntimeAddresses);

// The segment of code that has the loop: where YJIT's code is called from.
void find_code(const elf::Image& image, targets::RuntimeFile& file) {
  const auto loop = image.to_vaddr(FileOffset{file.eval[0].start});
  for (const auto& segment : image.segments()) {
    if (!loop || loop->value - segment.address.value >= segment.file_size) continue;
    file.state[kCodeStart] = segment.address;
    file.state[kCodeEnd] = segment.address + segment.file_size;
  }
}

bool find_loops(const elf::Image& image, targets::RuntimeFile& file) {
  const auto loop = find_loop(image);
  if (!loop) return false;
  file.eval[0] = file_range(image, *loop);
  if (const auto cold = elf::find_cold_part(image, *loop)) file.eval[1] = file_range(image, *cold);
  return !file.eval[0].empty();
}

// Where the version's way to a thread's execution context begins.
bool find_context(const elf::Image& image, const Symbols& symbols, targets::RuntimeFile& file, gp_ruby& ruby) {
  if (ruby.version < kFirstWithTls) {
    file.state[kCurrentContext] = symbols.current_context;
    file.state[kCurrentVm] = symbols.current_vm;
    return symbols.current_context.value != 0 && symbols.current_vm.value != 0;
  }
  // rb_thread_current() begins by reading ruby_current_ec (vm_core.h: rb_current_execution_context).
  const auto context = thread_variable_read_by(image, symbols.thread_current);
  if (!context) return false;
  file.state[kContextSlot] = Vaddr{context->slot};
  ruby.context = *context;
  return true;
}

}  // namespace

std::optional<targets::RuntimeFile> RubyRuntime::detect(const elf::Image& image, std::string_view /*path*/) const {
  const Symbols symbols = find_symbols(image);
  if (!symbols.any()) return std::nullopt;

  targets::RuntimeFile file;
  file.version = string_at(image.bytes_at(symbols.version), 0).value_or("?");
  constexpr size_t kMaxVersion = 16;
  if (file.version.size() > kMaxVersion) file.version = "?";
  auto ruby = offsets_of(file.version);
  if (!ruby || image.machine() != elf::Machine::kX86_64) return file;
  if (!find_loops(image, file) || !find_context(image, symbols, file, *ruby)) return file;
  if (const auto table = find_symbol_table(image, symbols.id_to_string)) file.state[kSymbolTable] = *table;
  for (size_t i = 0; i < kLiterals.size(); ++i)
    if (const auto literal = find_literal(image, kLiterals[i])) file.state[kFirstLiteral + i] = *literal;
  find_code(image, file);
  file.entry = targets::entry_with(GP_RUNTIME_RUBY, *ruby);
  file.supported = true;
  return file;
}

Result<gp_runtime_entry> RubyRuntime::attach(const targets::RuntimeFile& file, const targets::MemoryReader& /*memory*/,
                                             uint64_t bias) const {
  if (!file.supported) return fail(ErrorCode::kUnsupported, fmt::format("ruby {}", file.version));
  const auto in_process = [&](size_t which) {
    return file.state[which].value == 0 ? 0 : file.state[which].value + bias;
  };
  auto ruby = targets::layout_of<gp_ruby>(file.entry);
  // Nothing is read: what is there is not filled yet in a process that just began, and the walker checks all it meets.
  ruby.context.slot = in_process(kContextSlot);
  ruby.current = in_process(kCurrentContext);
  ruby.vm = in_process(kCurrentVm);
  ruby.symbols = in_process(kSymbolTable);
  ruby.code_start = in_process(kCodeStart);
  ruby.code_end = in_process(kCodeEnd);
  for (size_t i = 0; i < GP_RUBY_LITERALS; ++i) ruby.literals[i] = in_process(kFirstLiteral + i);
  auto entry = targets::entry_with(GP_RUNTIME_RUBY, ruby);
  // Where YJIT puts its code nothing tells; the walker knows it by what it has in its registers.
  if (ruby.version >= kFirstWithYjit) {
    entry.jit_start = 1;
    entry.jit_end = UINT64_MAX;
  }
  return entry;
}

std::optional<targets::CodeSymbol> RubyRuntime::decode(std::span<const uint8_t> record,
                                                       const targets::MemoryReader* memory) const {
  return decode_symbol(record, memory);
}

uint32_t RubyRuntime::line(const targets::CodeSymbol& symbol, uint32_t instruction) const {
  return line_at(symbol.line_table, instruction);
}

}  // namespace gp::runtimes::ruby
