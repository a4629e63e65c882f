#include "runtimes/lua/luajit_runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "runtimes/code.h"
#include "runtimes/lua/ident.h"

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

// The interpreter is one piece of assembly with one FDE, which begins activations by pushing rbp, rbx, r15 and r14 and
// making room for 40 bytes (vm_x64.dasc: saveregs), in several places.
std::optional<elf::CodeRange> find_interpreter(const elf::Image& image) {
  constexpr std::array<uint8_t, 10> kEnter = {0x55, 0x53, 0x41, 0x57, 0x41, 0x56, 0x48, 0x83, 0xec, 0x28};
  constexpr uint64_t kMinCode = 8192;  // 16,500 bytes in Debian's builds
  for (const elf::CodeRange range : functions_of(image)) {
    if (range.end - range.begin < kMinCode) continue;
    Bytes code = code_of(image, range);
    size_t times = 0;
    for (auto found = std::ranges::search(code, kEnter); !found.empty(); found = std::ranges::search(code, kEnter)) {
      code = code.subspan(static_cast<size_t>(found.end() - code.begin()));
      ++times;
    }
    if (times > 1) return range;
  }
  return std::nullopt;
}

}  // namespace

std::optional<targets::RuntimeFile> LuajitRuntime::detect(const elf::Image& image, std::string_view /*path*/) const {
  constexpr std::array<std::string_view, 1> kInterface = {"luaJIT_setmode"};
  if (image.machine() != elf::Machine::kX86_64 || !defines_any(image, kInterface)) return std::nullopt;
  targets::RuntimeFile file;
  file.version = version_of(image);
  if (const auto code = find_interpreter(image)) file.eval[0] = file_range(image, *code);
  return file;
}

Result<gp_runtime_entry> LuajitRuntime::attach(const targets::RuntimeFile& file,
                                               const targets::MemoryReader& /*memory*/, uint64_t /*bias*/) const {
  return fail(ErrorCode::kUnsupported, fmt::format("luajit {}", file.version));
}

std::optional<targets::CodeSymbol> LuajitRuntime::decode(std::span<const uint8_t> /*record*/,
                                                         const targets::MemoryReader* /*memory*/) const {
  return std::nullopt;
}

uint32_t LuajitRuntime::line(const targets::CodeSymbol& /*symbol*/, uint32_t /*where*/) const { return 0; }

}  // namespace gp::runtimes::lua
