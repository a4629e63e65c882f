#include "runtimes/lua/luajit_scan.h"

#include <algorithm>
#include <array>
#include <span>

#include "runtimes/code.h"
#include "runtimes/lua/luajit_offsets.h"

namespace gp::runtimes::lua {
namespace {

// Bytes of code; -1: any.
template <size_t N>
using Pattern = std::array<int16_t, N>;
constexpr int16_t kAny = -1;

bool fits(Bytes code, size_t at, std::span<const int16_t> pattern) {
  if (at > code.size() || code.size() - at < pattern.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i)
    if (pattern[i] != kAny && code[at + i] != pattern[i]) return false;
  return true;
}

std::optional<size_t> find(Bytes code, std::span<const int16_t> pattern, size_t from = 0) {
  for (size_t at = from; at + pattern.size() <= code.size(); ++at)
    if (fits(code, at, pattern)) return at;
  return std::nullopt;
}

// saveregs without its first instruction, push rbp: push rbx, push r15, push r14, sub rsp, 40.
constexpr Pattern<9> kEnter = {0x53, 0x41, 0x57, 0x41, 0x56, 0x48, 0x83, 0xec, 0x28};
// restoreregs, and a return or a jump: add rsp, 40, pop r14, pop r15, pop rbx, pop rbp.
constexpr Pattern<10> kLeave = {0x48, 0x83, 0xc4, 0x28, 0x41, 0x5e, 0x41, 0x5f, 0x5b, 0x5d};
// Sets up DISPATCH: add r14, GG_G2DISP (r14d where references have 32 bits, as below).
constexpr Pattern<7> kDispatch = {0x49, 0x81, 0xc6, kAny, kAny, kAny, kAny};
constexpr Pattern<7> kDispatch32 = {0x41, 0x81, 0xc6, kAny, kAny, kAny, kAny};
// BC_JLOOP: mov rcx, [r14 + trace]; mov rax, [rcx + 8 * rax]; mov rax, [rax + mcode]; mov rbp, SAVE_L;
// mov [r14 + jit_base], rdx.
constexpr Pattern<27> kTrace = {0x49, 0x8b, 0x8e, kAny, kAny, kAny, kAny, 0x48, 0x8b, 0x04, 0xc1, 0x48, 0x8b, 0x40,
                                kAny, 0x48, 0x8b, 0x6c, 0x24, 0x10, 0x49, 0x89, 0x96, kAny, kAny, kAny, kAny};
constexpr Pattern<25> kTrace32 = {0x41, 0x8b, 0x8e, kAny, kAny, kAny, kAny, 0x8b, 0x04, 0x81, 0x48, 0x8b, 0x40,
                                  kAny, 0x8b, 0x6c, 0x24, 0x18, 0x41, 0x89, 0x96, kAny, kAny, kAny, kAny};
// vm_call: mov [r14 + cur_L], rbp; mov dword [r14 + vmstate], ~LJ_VMST_INTERP.
constexpr Pattern<18> kCall = {0x49, 0x89, 0xae, kAny, kAny, kAny, kAny, 0x41, 0xc7,
                               0x86, kAny, kAny, kAny, kAny, 0xff, 0xff, 0xff, 0xff};
constexpr Pattern<18> kCall32 = {0x41, 0x89, 0xae, kAny, kAny, kAny, kAny, 0x41, 0xc7,
                                 0x86, kAny, kAny, kAny, kAny, 0xff, 0xff, 0xff, 0xff};

void find_edges(Bytes code, gp_luajit& lj) {
  size_t enters = 0;
  size_t leaves = 0;
  for (size_t at = 1; at < code.size() && at < UINT16_MAX; ++at) {
    // vm_ffi_callback's caller has pushed rbp.
    if (enters < GP_LUAJIT_ENTERS && fits(code, at, kEnter)) lj.enters[enters++] = static_cast<uint16_t>(at - 1);
    if (leaves < GP_LUAJIT_LEAVES && fits(code, at, kLeave)) lj.leaves[leaves++] = static_cast<uint16_t>(at);
  }
}

}  // namespace

std::optional<elf::CodeRange> find_interpreter(const elf::Image& image) {
  constexpr uint64_t kMinCode = 8192;  // 16,500 bytes in Debian's builds
  for (const elf::CodeRange range : functions_of(image)) {
    if (range.end - range.begin < kMinCode) continue;
    const Bytes code = code_of(image, range);
    size_t times = 0;
    for (auto at = find(code, kEnter); at && times < 3; at = find(code, kEnter, *at + 1)) ++times;
    if (times == 3) return range;
  }
  return std::nullopt;
}

std::optional<gp_luajit> read_interpreter(Bytes code) {
  const bool is_wide = find(code, kDispatch).has_value();
  const auto dispatch = is_wide ? find(code, kDispatch) : find(code, kDispatch32);
  const auto trace = is_wide ? find(code, kTrace) : find(code, kTrace32);
  const auto call = is_wide ? find(code, kCall) : find(code, kCall32);
  if (!dispatch || !trace || !call) return std::nullopt;
  gp_luajit lj = is_wide ? luajit_offsets_64() : luajit_offsets_32();
  const auto value_at = [&](size_t at) { return read_at<int32_t>(code, at).value_or(0); };
  lj.dispatch = value_at(*dispatch + 3);
  lj.traces = lj.dispatch + value_at(*trace + 3);
  lj.loop = *trace;
  // What else we look at in global_State and GCtrace is the same in all builds when these are where they should be.
  if (lj.dispatch + value_at(*trace + (is_wide ? 23 : 21)) != lj.global_jit_base) return std::nullopt;
  if (code[*trace + (is_wide ? 14 : 13)] != lj.trace_code) return std::nullopt;
  if (lj.dispatch + value_at(*call + 3) != lj.global_cur_L) return std::nullopt;
  const int32_t vmstate = lj.dispatch + value_at(*call + 10);
  // In Debian's 2.1.0-beta3 a reference more lies before it and mainthref (GCState.lightudseg).
  const bool is_moved = !is_wide && vmstate == lj.global_vmstate + 4;
  if (vmstate != lj.global_vmstate && !is_moved) return std::nullopt;
  if (is_moved) {
    lj.global_vmstate += 4;
    lj.global_main += 4;
  }
  find_edges(code, lj);
  return lj;
}

}  // namespace gp::runtimes::lua
