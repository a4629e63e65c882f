#include "elf/cfi_state.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace gp::elf {
namespace {

// Offset of rip in struct ucontext: uc_flags, uc_link, uc_stack (40 bytes), then r8-r15, rdi, rsi, rbp, rbx,
// rdx, rax, rcx, rsp before it (arch/x86/include/uapi/asm/sigcontext.h, asm-generic/ucontext.h).
constexpr int64_t kUcontextRip = 40 + 16 * 8;
constexpr int64_t kWord = 8;
constexpr int64_t kReturnAddressOffset = -8;  // pushed by the call

template <class T>
bool fits(int64_t value) {
  return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

// A place given by a register is given by the CFA too when that comes from the same register.
RegisterRule relative_to_cfa(const RegisterRule& rule, const CfaRule& cfa) {
  if (rule.kind != RegisterRule::kAtRegister || cfa.op != GP_CFA_REG || cfa.reg != rule.reg) return rule;
  if (!fits<int32_t>(rule.offset) || !fits<int32_t>(cfa.offset)) return rule;
  return {RegisterRule::kAtCfa, 0, rule.offset - cfa.offset};
}

bool set_cfa(const CfaRule& cfa, gp_rule& rule) {
  if (cfa.op == GP_CFA_NONE || cfa.reg >= kDwarfRegisters || !fits<int32_t>(cfa.offset)) return false;
  rule.cfa_op = cfa.op;
  rule.cfa_reg = cfa.reg;
  rule.cfa_offset = static_cast<int32_t>(cfa.offset);
  return true;
}

bool set_return_address(const FrameState& state, gp_rule& rule) {
  const RegisterRule from = relative_to_cfa(state.rules[kReturnAddressRule], state.cfa);
  if (state.cfa.op == GP_CFA_REG_DEREF_ADD) {
    if (from.kind != RegisterRule::kAtCfa || from.offset != kReturnAddressOffset) return false;
    if (state.cfa.inner % kWord != 0 || !fits<int16_t>(state.cfa.inner / kWord)) return false;
    rule.ra_offset = static_cast<int16_t>(state.cfa.inner / kWord);
    return true;
  }
  if (from.kind == RegisterRule::kInRegister) {
    if (from.reg >= kDwarfRegisters) return false;
    rule.ra_op = GP_RA_REGISTER;
    rule.ra_offset = from.reg;
    return true;
  }
  if (from.kind != RegisterRule::kAtCfa || !fits<int16_t>(from.offset)) return false;
  rule.ra_op = GP_RA_CFA;
  rule.ra_offset = static_cast<int16_t>(from.offset);
  return true;
}

// The walker takes the CFA for the caller's stack pointer.
bool stack_pointer_is_cfa(const RegisterRule& rule) {
  return rule.kind == RegisterRule::kUnset || rule.kind == RegisterRule::kSame ||
         (rule.kind == RegisterRule::kIsCfa && rule.offset == 0);
}

std::optional<int8_t> words(int64_t offset, bool at_frame_pointer) {
  if (at_frame_pointer && offset == 0) return GP_SAVED_AT_FP_ZERO;
  if (offset % kWord != 0) return std::nullopt;
  const int64_t count = offset / kWord;
  if (count == GP_SAVED_SAME || count <= GP_SAVED_UNKNOWN || !fits<int8_t>(count)) return std::nullopt;
  if (at_frame_pointer && count == GP_SAVED_AT_FP_ZERO) return std::nullopt;
  return static_cast<int8_t>(count);
}

std::optional<int8_t> saved_place(const RegisterRule& from, bool at_frame_pointer) {
  switch (from.kind) {
    case RegisterRule::kUnset:
    case RegisterRule::kSame: return GP_SAVED_SAME;
    case RegisterRule::kUndefined: return GP_SAVED_UNKNOWN;
    case RegisterRule::kAtCfa: return at_frame_pointer ? std::nullopt : words(from.offset, false);
    case RegisterRule::kAtRegister:
      return at_frame_pointer && from.reg == kDwarfRbp ? words(from.offset, true) : std::nullopt;
    default: return std::nullopt;
  }
}

bool is_by_register(const RegisterRule& rule) { return rule.kind == RegisterRule::kAtRegister; }

// Some are saved at places given by a register.
void set_saved_by_register(const FrameState& state, gp_rule& rule, bool& lossy) {
  std::array<RegisterRule, GP_SAVED_REGS> from;
  bool at_frame_pointer = false;
  for (size_t i = 0; i < from.size(); ++i) {
    from[i] = relative_to_cfa(state.rules[i], state.cfa);
    at_frame_pointer |= from[i].kind == RegisterRule::kAtRegister && from[i].reg == kDwarfRbp;
  }
  if (at_frame_pointer) rule.flags |= GP_RULE_SAVED_AT_FP;
  for (size_t i = 0; i < from.size(); ++i) {
    const auto place = saved_place(from[i], at_frame_pointer);
    if (!place) lossy = true;
    rule.saved[i] = place.value_or(GP_SAVED_UNKNOWN);
  }
}

// Functions that save registers on their stack, as nearly all do.
void set_saved(const FrameState& state, gp_rule& rule, bool& lossy) {
  if (std::any_of(state.rules.begin(), state.rules.begin() + GP_SAVED_REGS, is_by_register))
    return set_saved_by_register(state, rule, lossy);
  for (size_t i = 0; i < GP_SAVED_REGS; ++i) {
    const auto place = saved_place(state.rules[i], false);
    if (!place) lossy = true;
    rule.saved[i] = place.value_or(GP_SAVED_UNKNOWN);
  }
}

}  // namespace

gp_rule to_rule(const FrameState& state, bool is_signal_frame, bool& lossy) {
  gp_rule rule{};
  const RegisterRule& return_address = state.rules[kReturnAddressRule];
  if (return_address.kind == RegisterRule::kUndefined) {
    rule.cfa_op = GP_CFA_ROOT;
    return rule;
  }
  // glibc's trampoline says of every register where in the ucontext it is; one place tells where that lies.
  if (is_signal_frame && return_address.kind == RegisterRule::kAtRegister && return_address.reg == kDwarfRsp &&
      fits<int32_t>(return_address.offset)) {
    rule.cfa_op = GP_CFA_SIGNAL;
    rule.cfa_reg = kDwarfRsp;
    rule.cfa_offset = static_cast<int32_t>(return_address.offset - kUcontextRip);
    return rule;
  }
  if (!stack_pointer_is_cfa(state.rules[kStackPointerRule]) || !set_cfa(state.cfa, rule) ||
      !set_return_address(state, rule)) {
    lossy = true;
    return gp_rule{};
  }
  set_saved(state, rule, lossy);
  return rule;
}

gp_rule RuleMaker::make(const FrameState& state, bool is_signal_frame, bool& lossy) {
  if (version_ != 0 && version_ == state.rules_version && state.cfa.op == GP_CFA_REG && set_cfa(state.cfa, rule_)) {
    lossy |= lossy_;
    return rule_;
  }
  lossy_ = false;
  rule_ = to_rule(state, is_signal_frame, lossy_);
  lossy |= lossy_;
  // A place given by a register turns into one given by the CFA, or not, as the CFA's own register is.
  const bool lasting = rule_.cfa_op == GP_CFA_REG && std::ranges::none_of(state.rules, is_by_register);
  version_ = lasting ? state.rules_version : 0;
  return rule_;
}

}  // namespace gp::elf
