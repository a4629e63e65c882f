#include "elf/known_code_source.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "elf/cfi_state.h"

namespace gp::elf {
namespace {

constexpr std::array<uint8_t, 9> kSigreturn = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};
constexpr std::array<uint8_t, 3> kExitOfResult = {0x89, 0xc7, 0xe8};
constexpr uint64_t kLongestCall = 6;
constexpr std::array<uint8_t, 2> kPopAndReturn = {0x59, 0xc3};

// mov %rbx,%rsp; mov (%rsp),%rdi; test %rdi,%rdi; je; call setcontext
constexpr std::array<uint8_t, 13> kStartContext = {0x48, 0x89, 0xdc, 0x48, 0x8b, 0x3c, 0x24,
                                                   0x48, 0x85, 0xff, 0x74, 0x08, 0xe8};
// syscall; test %rax,%rax; jl; and behind it a distance, je over a byte, ret
constexpr std::array<uint8_t, 6> kClone = {0x0f, 0x05, 0x48, 0x85, 0xc0, 0x7c};
constexpr uint64_t kToCloneReturn = 4;

bool is_call_of_register(Bytes before) {  // ff d0 to ff d7; a prefix for r8-r15 may stand ahead
  return before.size() >= 2 && before[before.size() - 2] == 0xff && (before.back() & 0xf8U) == 0xd0;
}

bool is_call_of_place(Bytes before) {  // e8 and a distance; ff 15 and one to a pointer
  const size_t size = before.size();
  return (size >= 5 && before[size - 5] == 0xe8) || (size >= 6 && before[size - 6] == 0xff && before[size - 5] == 0x15);
}

}  // namespace

// When the handler has returned, rsp points at the ucontext of the kernel's frame (struct rt_sigframe in
// arch/x86/include/asm/sigframe.h: return address, ucontext, siginfo).
KnownCodeSource KnownCodeSource::signal_trampolines(const Image& image) {
  gp_rule rule{};
  rule.cfa_op = GP_CFA_SIGNAL;
  rule.cfa_reg = kDwarfRsp;
  return {image, {kSigreturn, Ahead::kAnything, kSigreturn.size(), rule}};
}

KnownCodeSource KnownCodeSource::exits_of_main(const Image& image) {
  gp_rule rule{};
  rule.cfa_op = GP_CFA_ROOT;
  return {image, {kExitOfResult, Ahead::kCallOfRegister, 0, rule}};
}

// Between the call and the pop, the return address lies one word up: what aligned the stack is still on it.
KnownCodeSource KnownCodeSource::ends_of_shims(const Image& image) {
  gp_rule rule{};
  rule.cfa_op = GP_CFA_REG;
  rule.cfa_reg = kDwarfRsp;
  rule.cfa_offset = 16;
  rule.ra_offset = -8;
  return {image, {kPopAndReturn, Ahead::kCallOfPlace, 1, rule}};
}

KnownCodeSource KnownCodeSource::starts_of_contexts(const Image& image) {
  gp_rule rule{};
  rule.cfa_op = GP_CFA_ROOT;
  return {image, {kStartContext, Ahead::kAnything, 0, rule}};
}

// The parent has touched neither stack nor saved registers. (The child, in there for some microseconds, has neither.)
KnownCodeSource KnownCodeSource::clones(const Image& image) {
  gp_rule rule{};
  rule.cfa_op = GP_CFA_REG;
  rule.cfa_reg = kDwarfRsp;
  rule.cfa_offset = 8;
  rule.ra_offset = -8;
  return {image, {kClone, Ahead::kAnything, kClone.size() + kToCloneReturn, rule}};
}

bool KnownCodeSource::may_hold_libc(const Image& image) { return image.interpreter().empty() && !image.needs_others(); }

bool KnownCodeSource::matches(Bytes code, size_t at) const {
  const Bytes before = code.first(at);
  if (pattern_.ahead == Ahead::kCallOfRegister) return is_call_of_register(before);
  if (pattern_.ahead == Ahead::kCallOfPlace) return is_call_of_place(before);
  return true;
}

std::optional<CodeSpan> KnownCodeSource::next(Vaddr from, Vaddr limit) {
  // One that begins a little ahead of `from` reaches into it, if the code there is in the file too.
  const uint64_t ahead = pattern_.bytes.size() + kLongestCall;
  Vaddr start = from - ahead;
  Bytes code = image_->bytes_at(start);
  if (code.size() <= ahead) {
    start = from;
    code = image_->bytes_at(start);
  }
  // One that begins at `limit` covers the byte ahead of that.
  code = code.first(std::min<uint64_t>(code.size(), limit - start + pattern_.bytes.size()));
  if (code.empty()) return std::nullopt;
  for (size_t at = 0;; ++at) {
    const void* found = memmem(code.data() + at, code.size() - at, pattern_.bytes.data(), pattern_.bytes.size());
    if (found == nullptr) return std::nullopt;
    at = static_cast<size_t>(static_cast<const uint8_t*>(found) - code.data());
    const Vaddr begin = start + at;
    const CodeSpan span{begin.value == 0 ? begin : begin - 1, begin + pattern_.covered};
    if (matches(code, at) && span.begin < limit && span.end > from) return span;
  }
}

void KnownCodeSource::emit(Vaddr begin, Vaddr /*end*/, PageRows& rows) { rows.add(begin, pattern_.rule); }

}  // namespace gp::elf
