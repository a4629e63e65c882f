// PCRE2's compiler of patterns. It has no frames of its own, but the code it makes is in no file and has no unwind rules:
// the walker leaves it by the places that call it (bpf/walk/pattern.h), which are found here. Owner threads: as
// targets::Runtime says.
#pragma once

#include "targets/runtime.h"

namespace gp::runtimes::pcre {

class PcreRuntime final : public targets::Runtime {
 public:
  [[nodiscard]] uint32_t kind() const override { return GP_RUNTIME_PCRE; }
  [[nodiscard]] std::string_view name() const override { return "pcre"; }
  [[nodiscard]] std::string_view found_by() const override { return "pcre2_jit_match"; }
  [[nodiscard]] std::optional<targets::RuntimeFile> detect(const elf::Image& image,
                                                           std::string_view path) const override;
  [[nodiscard]] Result<gp_runtime_entry> attach(const targets::RuntimeFile& file, const targets::MemoryReader& memory,
                                                uint64_t bias) const override;
  [[nodiscard]] std::optional<targets::CodeSymbol> decode(std::span<const uint8_t>,
                                                          const targets::MemoryReader*) const override {
    return std::nullopt;
  }
  [[nodiscard]] uint32_t line(const targets::CodeSymbol&, uint32_t) const override { return 0; }
};

}  // namespace gp::runtimes::pcre
