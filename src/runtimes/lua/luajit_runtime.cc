#include "runtimes/lua/luajit_runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtimes/code.h"
#include "runtimes/lua/ident.h"
#include "runtimes/lua/luajit_scan.h"
#include "runtimes/lua/luajit_symbol.h"

namespace gp::runtimes::lua {
namespace {

// The version's text (lj_def.h: LUAJIT_VERSION).
constexpr std::string_view kNotice = "LuaJIT 2.";

std::string version_of(const elf::Image& image) {
  const auto* constants = image.section(".rodata");
  if (constants == nullptr) return "?";
  const Bytes bytes = image.raw(*constants);
  const auto found = std::ranges::search(bytes, kNotice);
  const size_t digit = static_cast<size_t>(found.begin() - bytes.begin()) + kNotice.size();
  if (found.empty() || digit >= bytes.size() || bytes[digit] < '0' || bytes[digit] > '9') return "?";
  return fmt::format("2.{}", static_cast<char>(bytes[digit]));
}

}  // namespace

std::optional<targets::RuntimeFile> LuajitRuntime::detect(const elf::Image& image, std::string_view /*path*/) const {
  constexpr std::array<std::string_view, 1> kInterface = {"luaJIT_setmode"};
  if (image.machine() != elf::Machine::kX86_64 || !defines_any(image, kInterface)) return std::nullopt;
  targets::RuntimeFile file;
  file.version = version_of(image);
  const auto code = find_interpreter(image);
  if (!code) return file;
  file.eval[0] = file_range(image, *code);
  const auto lj = read_interpreter(code_of(image, *code));
  if (!lj || file.eval[0].empty()) return file;
  file.state[kInterpreter] = Vaddr{code->begin};
  file.entry = targets::entry_with(GP_RUNTIME_LUAJIT, *lj);
  file.supported = true;
  return file;
}

Result<gp_runtime_entry> LuajitRuntime::attach(const targets::RuntimeFile& file,
                                               const targets::MemoryReader& /*memory*/, uint64_t bias) const {
  if (!file.supported) return fail(ErrorCode::kUnsupported, fmt::format("luajit {}", file.version));
  // Compiled code is within reach of a jump from the interpreter (lj_mcode.c: mcode_alloc).
  constexpr uint64_t kReach = 1ULL << 30U;
  auto lj = targets::layout_of<gp_luajit>(file.entry);
  lj.vm = file.state[kInterpreter].value + bias;
  lj.loop += lj.vm;
  auto entry = targets::entry_with(GP_RUNTIME_LUAJIT, lj);
  entry.jit_start = lj.vm > kReach ? lj.vm - kReach : 0;
  entry.jit_end = lj.vm + kReach;
  return entry;
}

std::optional<targets::CodeSymbol> LuajitRuntime::decode(std::span<const uint8_t> record,
                                                         const targets::MemoryReader* /*memory*/) const {
  return decode_luajit_symbol(record);
}

uint32_t LuajitRuntime::line(const targets::CodeSymbol& /*symbol*/, uint32_t where) const { return where; }

}  // namespace gp::runtimes::lua
