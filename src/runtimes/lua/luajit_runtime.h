// LuaJIT 2.1, in libluajit, in the program `luajit` or in any program, stripped or not; recognised by its interface. Builds
// whose interpreter is not like those we know are not walked. Owner threads: as targets::Runtime says.
#pragma once

#include "targets/runtime.h"

namespace gp::runtimes::lua {

// RuntimeFile::state: addresses in the file.
enum LuajitState : uint8_t { kInterpreter };

class LuajitRuntime final : public targets::Runtime {
 public:
  [[nodiscard]] uint32_t kind() const override { return GP_RUNTIME_LUAJIT; }
  [[nodiscard]] std::string_view name() const override { return "luajit"; }
  [[nodiscard]] std::string_view found_by() const override { return "luaJIT_setmode"; }
  [[nodiscard]] std::optional<targets::RuntimeFile> detect(const elf::Image& image,
                                                           std::string_view path) const override;
  [[nodiscard]] Result<gp_runtime_entry> attach(const targets::RuntimeFile& file, const targets::MemoryReader& memory,
                                                uint64_t bias) const override;
  [[nodiscard]] std::optional<targets::CodeSymbol> decode(std::span<const uint8_t> record,
                                                          const targets::MemoryReader* memory) const override;
  [[nodiscard]] uint32_t line(const targets::CodeSymbol& symbol, uint32_t where) const override;
};

}  // namespace gp::runtimes::lua
