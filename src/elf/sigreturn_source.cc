#include "elf/sigreturn_source.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "elf/cfi_state.h"

namespace gp::elf {
namespace {

constexpr std::array<uint8_t, 9> kSigreturn = {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05};

}  // namespace

bool SigreturnSource::may_be_needed(const Image& image) { return image.interpreter().empty() && !image.needs_others(); }

std::optional<CodeSpan> SigreturnSource::next(Vaddr from, Vaddr limit) {
  // One that begins a little ahead of `from` reaches into it, if the code there is in the file too.
  constexpr uint64_t kAhead = kSigreturn.size() - 1;
  Vaddr start = from - kAhead;
  Bytes code = image_->bytes_at(start);
  if (code.size() <= kAhead) {
    start = from;
    code = image_->bytes_at(start);
  }
  code = code.first(std::min<uint64_t>(code.size(), limit - start + kSigreturn.size()));
  const void* found = memmem(code.data(), code.size(), kSigreturn.data(), kSigreturn.size());
  if (found == nullptr) return std::nullopt;
  const Vaddr begin = start + static_cast<uint64_t>(static_cast<const uint8_t*>(found) - code.data());
  // The handler returns to its first byte, and return addresses are looked up one byte lower.
  return CodeSpan{begin.value == 0 ? begin : begin - 1, begin + kSigreturn.size()};
}

// When the handler has returned, rsp points at the ucontext of the kernel's frame (struct rt_sigframe in
// arch/x86/include/asm/sigframe.h: return address, ucontext, siginfo).
void SigreturnSource::emit(Vaddr begin, Vaddr /*end*/, PageRows& rows) {
  gp_rule rule{};
  rule.cfa_op = GP_CFA_SIGNAL;
  rule.cfa_reg = kDwarfRsp;
  rows.add(begin, rule);
}

}  // namespace gp::elf
