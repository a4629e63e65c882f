#include "runtimes/php/php_runtime.h"

#include <array>

#include "elf/cold_part.h"
#include "runtimes/code.h"
#include "runtimes/php/engine.h"
#include "runtimes/php/function_symbol.h"
#include "runtimes/php/offsets.h"
#include "runtimes/thread_variable.h"

namespace gp::runtimes::php {
namespace {

elf::CodeRange range_of(const Symbol& symbol) { return {symbol.address, symbol.address + symbol.size}; }

targets::FileRange cold_range(const elf::Image& image, const Engine& engine) {
  if (engine.loop_cold) return file_range(image, range_of(*engine.loop_cold));
  const auto found = elf::find_cold_part(image, range_of(engine.loop));
  return found ? file_range(image, *found) : targets::FileRange{};
}

// Fills in where the globals are, as far as the file tells. False: that is not known.
bool find_globals(const elf::Image& image, const Engine& engine, targets::RuntimeFile& file, gp_php& php) {
  if (engine.globals) {
    file.state[kGlobals] = engine.globals->address;
    return true;
  }
  if (!engine.globals_offset || !engine.is_executing) return false;
  // zend_is_executing() begins by reading _tsrm_ls_cache: EG(current_execute_data) != 0 (Zend/zend_execute_API.c).
  const auto cache = thread_variable_read_by(image, engine.is_executing->address);
  if (!cache) return false;
  file.state[kGlobalsOffset] = engine.globals_offset->address;
  file.state[kGlobalsSlot] = address_slot(image, "executor_globals_offset").value_or(Vaddr{});
  file.state[kCacheSlot] = Vaddr{cache->slot};
  php.cache = *cache;
  php.globals_current = static_cast<uint16_t>(current_call_offset(php.version));
  return true;
}

}  // namespace

std::optional<targets::RuntimeFile> PhpRuntime::detect(const elf::Image& image, std::string_view) const {
  const auto engine = find_engine(image);
  if (!engine) return std::nullopt;

  targets::RuntimeFile file;
  const Version version = find_version(image);
  file.version = version.text();
  if (!engine->globals) file.version += " zts";
  file.eval = {file_range(image, range_of(engine->loop)), cold_range(image, *engine)};
  auto php = offsets_of(version.number);
  if (!php || file.eval[0].empty() || image.machine() != elf::Machine::kX86_64) return file;
  if (!find_globals(image, *engine, file, *php)) return file;
  // In 8.0 and 8.1 nobody looked whether compiled code moves the stack pointer (HYBRID_SPAD, zend_jit_x86.dasc).
  // Prologue and epilogue are a few dozen of its tens of thousands of bytes: in the middle its frame is what it is
  // while it runs.
  if (version.number >= kPhp82) file.state[kLoop] = engine->loop.address + engine->loop.size / 2;
  if (engine->frameless) file.state[kFrameless] = engine->frameless->address;
  file.entry = targets::entry_with(GP_RUNTIME_PHP, *php);
  file.entry.flags = GP_RUNTIME_CODE_IS_SHARED;  // opcache's compiler writes into its shared memory
  file.supported = true;
  return file;
}

Result<gp_runtime_entry> PhpRuntime::attach(const targets::RuntimeFile& file, const targets::MemoryReader& memory,
                                            uint64_t bias) const {
  if (!file.supported) return fail(ErrorCode::kUnsupported, fmt::format("php {}", file.version));
  auto php = targets::layout_of<gp_php>(file.entry);
  const auto in_process = [&](StateAddress which) {
    return file.state[which].value == 0 ? 0 : file.state[which].value + bias;
  };
  php.frameless = in_process(kFrameless);
  php.globals_offset = in_process(kGlobalsOffset);
  php.globals_slot = in_process(kGlobalsSlot);
  php.cache.slot = in_process(kCacheSlot);
  if (php.globals_offset == 0) {
    php.current = in_process(kGlobals) + current_call_offset(php.version);
    std::array<uint8_t, sizeof(uint64_t)> word{};
    if (!memory.read(Pc{php.current}, word)) return fail(ErrorCode::kNotFound, "cannot read php's globals");
    // A call is 8 byte aligned and not at the start of memory; between requests there is none.
    const uint64_t call = read_at<uint64_t>(word, 0).value_or(0);
    if (call % sizeof(uint64_t) != 0 || (call != 0 && call >> 47U != 0))
      return fail(ErrorCode::kMalformed, fmt::format("php {} does not look like one in memory", file.version));
  }
  auto entry = targets::entry_with(GP_RUNTIME_PHP, php);
  entry.flags = file.entry.flags;
  entry.loop = in_process(kLoop);
  return entry;
}

std::optional<targets::CodeSymbol> PhpRuntime::decode(std::span<const uint8_t> record,
                                                      const targets::MemoryReader*) const {
  return decode_symbol(record);
}

uint32_t PhpRuntime::line(const targets::CodeSymbol&, uint32_t where) const { return where; }

}  // namespace gp::runtimes::php
