// LuaJIT: recognised in files that have its interface, not walked: its interpreter's frames read
// "[luajit 2.1: not supported]". Owner threads: as targets::Runtime says.
#pragma once

#include "targets/runtime.h"

namespace gp::runtimes::lua {

class LuajitRuntime final : public targets::Runtime {
 public:
  [[nodiscard]] uint32_t kind() const override { return GP_RUNTIME_LUAJIT; }
  [[nodiscard]] std::string_view name() const override { return "luajit"; }
  [[nodiscard]] std::optional<targets::RuntimeFile> detect(const elf::Image& image,
                                                           std::string_view path) const override;
  [[nodiscard]] Result<gp_runtime_entry> attach(const targets::RuntimeFile& file, const targets::MemoryReader& memory,
                                                uint64_t bias) const override;
  [[nodiscard]] std::optional<targets::CodeSymbol> decode(std::span<const uint8_t> record,
                                                          const targets::MemoryReader* memory) const override;
  [[nodiscard]] uint32_t line(const targets::CodeSymbol& symbol, uint32_t where) const override;
};

}  // namespace gp::runtimes::lua
