// Perl 5.32 to 5.44, built with threads or without: the program, libperl in any program.
//
// Limits: builds with MULTIPLICITY but without threads, and with long doubles, are recognised and not walked; x86-64 only;
// loops of extensions (PL_runops) are not seen as such.
#pragma once

#include "targets/runtime.h"

namespace gp::runtimes::perl {

class PerlRuntime final : public targets::Runtime {
 public:
  [[nodiscard]] uint32_t kind() const override { return GP_RUNTIME_PERL; }
  [[nodiscard]] std::string_view name() const override { return "perl"; }
  [[nodiscard]] std::string_view found_by() const override { return "Perl_runops_standard"; }
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
  kThreadKey,  // PL_thr_key; 0: the C library keeps values of keys elsewhere than glibc
  kFirst,      // PL_curinterp
  kOnly,       // of builds without threads: PL_op, which their variables are told from; 0: with threads
  kLoop,       // Perl_runops_standard
  kDebugLoop,  // Perl_runops_debug
};

}  // namespace gp::runtimes::perl
