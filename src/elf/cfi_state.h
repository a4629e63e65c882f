// What call frame information says at one pc, as far as unwinding x86-64 code needs it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "bpf/abi/unwind.h"

namespace gp::elf {

// DWARF register numbers of x86-64 (System V psABI, figure 3.36).
inline constexpr uint8_t kDwarfRbp = 6;
inline constexpr uint8_t kDwarfRsp = 7;
inline constexpr uint8_t kDwarfRip = 16;
inline constexpr uint8_t kDwarfRegisters = 17;  // general registers and the return address

// Where the caller's value of one register is.
struct RegisterRule {
  enum Kind : uint8_t {
    kUnset,       // never mentioned
    kUndefined,   // lost
    kSame,        // still in the register
    kAtCfa,       // at CFA + offset
    kAtRegister,  // at register `reg` + offset
    kInRegister,  // in register `reg`
    kIsCfa,       // is CFA + offset itself
    kOdd,         // in a way we do not model
  };
  Kind kind = kUnset;
  uint8_t reg = 0;
  int64_t offset = 0;
};

// How the CFA is found; `op` as in gp_rule.
struct CfaRule {
  uint8_t op = GP_CFA_NONE;
  uint8_t reg = 0;
  int64_t offset = 0;
  int64_t inner = 0;  // GP_CFA_REG_DEREF_ADD: offset of the word that is read
};

// Registers that are followed: the callee-saved ones in the order of gp_rule.saved, then these two.
inline constexpr size_t kReturnAddressRule = GP_SAVED_REGS;
inline constexpr size_t kStackPointerRule = GP_SAVED_REGS + 1;
inline constexpr size_t kTrackedRules = GP_SAVED_REGS + 2;
inline constexpr size_t kNotTracked = kTrackedRules;

// Index of a DWARF register in FrameState::rules, or kNotTracked.
constexpr size_t tracked_index(uint64_t dwarf_register) {
  constexpr std::array<uint8_t, GP_SAVED_REGS> kSaved = GP_SAVED_DWARF_NUMBERS;
  for (size_t i = 0; i < kSaved.size(); ++i)
    if (kSaved[i] == dwarf_register) return i;
  if (dwarf_register == kDwarfRip) return kReturnAddressRule;
  if (dwarf_register == kDwarfRsp) return kStackPointerRule;
  return kNotTracked;
}

struct FrameState {
  CfaRule cfa;
  std::array<RegisterRule, kTrackedRules> rules;
  uint64_t rules_version = 0;  // states with the same one have the same rules; 0: not said
};

// The rule the walker can follow, or a GP_CFA_NONE rule. `lossy` turns true when something of the state could
// not be said: no usable CFA or return address, or a callee-saved register that became GP_SAVED_UNKNOWN for
// want of words. `is_signal_frame`: the function is a signal trampoline by its augmentation.
gp_rule to_rule(const FrameState& state, bool is_signal_frame, bool& lossy);

// The same for one state after another. Most differ from the one before in the CFA's offset alone, and then so do their
// rules. Owner thread: one at a time.
class RuleMaker {
 public:
  gp_rule make(const FrameState& state, bool is_signal_frame, bool& lossy);

 private:
  uint64_t version_ = 0;  // of the state that rule_ was made of; 0: rule_ tells nothing of the next one
  gp_rule rule_{};
  bool lossy_ = false;
};

}  // namespace gp::elf
