#include "runtimes/lua/lua_runtime.h"

#include <fmt/format.h>

#include "elf/cold_part.h"
#include "runtimes/code.h"
#include "runtimes/lua/code_scan.h"
#include "runtimes/lua/function_symbol.h"
#include "runtimes/lua/ident.h"
#include "runtimes/lua/lines.h"
#include "runtimes/lua/offsets.h"

namespace gp::runtimes::lua {

std::optional<targets::RuntimeFile> LuaRuntime::detect(const elf::Image& image, std::string_view /*path*/) const {
  const auto version = find_version(image);
  if (!version) return std::nullopt;

  targets::RuntimeFile file;
  file.version = version->text;
  auto lua = offsets_of(version->number);
  // In 5.3.3 the status is a byte (lstate.h); of the releases up to 5.3.6 nobody looked.
  if (lua && version->number == GP_LUA_53 && version->release < '6') lua->finalizer = 0;
  // Of other versions the loop is as easily found: its frames say which version it is.
  const uint16_t alike = version->number < GP_LUA_54 ? GP_LUA_53 : GP_LUA_54;
  const auto loop = find_loop(image, lua ? *lua : offsets_of(alike).value_or(gp_lua{}));
  if (!loop) return file;
  file.eval[0] = file_range(image, loop->code);
  if (const auto cold = elf::find_cold_part(image, loop->code)) file.eval[1] = file_range(image, *cold);
  if (!lua || file.eval[0].empty()) return file;
  file.state[kUnroll] = loop->unroll[0];
  file.state[kUnrollToo] = loop->unroll[1];
  lua->state = loop->state;
  lua->pc = loop->pc;
  lua->at = loop->at;
  file.entry = targets::entry_with(GP_RUNTIME_LUA, *lua);
  file.supported = true;
  return file;
}

Result<gp_runtime_entry> LuaRuntime::attach(const targets::RuntimeFile& file, const targets::MemoryReader& /*memory*/,
                                            uint64_t bias) const {
  if (!file.supported) return fail(ErrorCode::kUnsupported, fmt::format("lua {}", file.version));
  auto lua = targets::layout_of<gp_lua>(file.entry);
  for (const auto which : {kUnroll, kUnrollToo})
    if (file.state[which].value != 0) lua.unroll[which] = file.state[which].value + bias;
  return targets::entry_with(GP_RUNTIME_LUA, lua);
}

std::optional<targets::CodeSymbol> LuaRuntime::decode(std::span<const uint8_t> record,
                                                      const targets::MemoryReader* /*memory*/) const {
  return decode_symbol(record);
}

uint32_t LuaRuntime::line(const targets::CodeSymbol& symbol, uint32_t where) const { return line_at(symbol, where); }

}  // namespace gp::runtimes::lua
