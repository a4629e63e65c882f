// Lua 5.1 to 5.5 (PUC-Rio), in liblua, in the program `lua` or embedded in any program, stripped or not.
// Owner threads: as targets::Runtime says.
#pragma once

#include "targets/runtime.h"

namespace gp::runtimes::lua {

// RuntimeFile::state: addresses in the file.
enum State : uint8_t { kUnroll, kUnrollToo };

class LuaRuntime final : public targets::Runtime {
 public:
  [[nodiscard]] uint32_t kind() const override { return GP_RUNTIME_LUA; }
  [[nodiscard]] std::string_view name() const override { return "lua"; }
  [[nodiscard]] std::string_view found_by() const override {
    return "its interface (lua_pcallk) or its notice of copyright";
  }
  [[nodiscard]] std::optional<targets::RuntimeFile> detect(const elf::Image& image,
                                                           std::string_view path) const override;
  [[nodiscard]] Result<gp_runtime_entry> attach(const targets::RuntimeFile& file, const targets::MemoryReader& memory,
                                                uint64_t bias) const override;
  [[nodiscard]] std::optional<targets::CodeSymbol> decode(std::span<const uint8_t> record,
                                                          const targets::MemoryReader* memory) const override;
  [[nodiscard]] uint32_t line(const targets::CodeSymbol& symbol, uint32_t where) const override;
};

}  // namespace gp::runtimes::lua
