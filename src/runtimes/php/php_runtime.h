// PHP 7.4 to 8.6: its programs, libphp in any program, Apache's module; with and without thread safety (ZTS), opcache and
// its compiler.
//
// Limits: x86-64 only.
#pragma once

#include "targets/runtime.h"

namespace gp::runtimes::php {

class PhpRuntime final : public targets::Runtime {
 public:
  [[nodiscard]] uint32_t kind() const override { return GP_RUNTIME_PHP; }
  [[nodiscard]] std::string_view name() const override { return "php"; }
  [[nodiscard]] std::string_view found_by() const override { return "execute_ex and executor_globals"; }
  [[nodiscard]] std::optional<targets::RuntimeFile> detect(const elf::Image& image,
                                                           std::string_view path) const override;
  // kNotFound: gone, or not readable now; kMalformed: not what the file promises.
  [[nodiscard]] Result<gp_runtime_entry> attach(const targets::RuntimeFile& file, const targets::MemoryReader& memory,
                                                uint64_t bias) const override;
  [[nodiscard]] std::optional<targets::CodeSymbol> decode(std::span<const uint8_t> record,
                                                          const targets::MemoryReader* memory) const override;
  // The walker reads the line itself.
  [[nodiscard]] uint32_t line(const targets::CodeSymbol& symbol, uint32_t where) const override;
};

// What RuntimeFile::state holds.
enum StateAddress : size_t {
  kGlobals,        // executor_globals; with thread safety 0
  kLoop,           // inside execute_ex, past its prologue
  kFrameless,      // zend_flf_functions
  kGlobalsOffset,  // executor_globals_offset, with thread safety
  kGlobalsSlot,    // where its address is, of libraries
  kCacheSlot,      // of _tsrm_ls_cache, see gp_thread_variable
};

}  // namespace gp::runtimes::php
