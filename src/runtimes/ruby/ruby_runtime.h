// Ruby (MRI) 2.7, 3.0 to 3.4 and 4.0, in libruby or in the program, stripped or not, embedded in any program; against
// glibc or musl.
#pragma once

#include "targets/runtime.h"

namespace gp::runtimes::ruby {

class RubyRuntime final : public targets::Runtime {
 public:
  [[nodiscard]] uint32_t kind() const override { return GP_RUNTIME_RUBY; }
  [[nodiscard]] std::string_view name() const override { return "ruby"; }
  [[nodiscard]] std::string_view found_by() const override { return "ruby_version and rb_cObject"; }
  [[nodiscard]] std::optional<targets::RuntimeFile> detect(const elf::Image& image,
                                                           std::string_view path) const override;
  [[nodiscard]] Result<gp_runtime_entry> attach(const targets::RuntimeFile& file, const targets::MemoryReader& memory,
                                                uint64_t bias) const override;
  [[nodiscard]] std::optional<targets::CodeSymbol> decode(std::span<const uint8_t> record,
                                                          const targets::MemoryReader* memory) const override;
  [[nodiscard]] uint32_t line(const targets::CodeSymbol& symbol, uint32_t instruction) const override;
};

}  // namespace gp::runtimes::ruby
