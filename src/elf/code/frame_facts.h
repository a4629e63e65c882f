// What is known of a function's frame at one of its instructions, by the code that leads there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "bpf/abi/unwind.h"
#include "elf/code/instruction.h"

namespace gp::elf {

// Offsets are in bytes from the CFA (the stack pointer's value before the call): the return address is at -8.
// Owner thread: none (a value).
class FrameFacts {
 public:
  static constexpr int32_t kReturnAddress = -8;

  // At a function's first instruction; at that of a program, which nobody called.
  static FrameFacts at_entry();
  static FrameFacts at_root();

  // Does what the instruction does. Calls keep the registers they must keep by the psABI (figure 3.4).
  void apply(const Instruction& instruction);
  // Behind a comparison that found its two sides equal.
  void assume_equal();
  // Keeps what both say. True when that is less than this said.
  bool join(const FrameFacts& other);
  // The stack is as at entry, and so are the registers that calls preserve: here a function may return, or another one
  // take its place.
  [[nodiscard]] bool is_as_at_entry() const;
  // The stack pointer is at the same place by both.
  [[nodiscard]] bool has_stack_of(const FrameFacts& other) const {
    return kind_ == other.kind_ && value_[kRsp] == other.value_[kRsp];
  }
  // Where a register points, from the CFA; nothing when that is not known.
  [[nodiscard]] std::optional<int32_t> from_cfa(uint8_t reg) const {
    return kind_ == Kind::kFrame && is_place(value_[reg]) ? std::optional(value_[reg]) : std::nullopt;
  }
  [[nodiscard]] bool is_unknown() const { return kind_ == Kind::kUnknown; }
  [[nodiscard]] bool is_root() const { return kind_ == Kind::kRoot; }
  // How to unwind from here; GP_CFA_NONE when the CFA is not known.
  [[nodiscard]] gp_rule rule() const;

 private:
  enum class Kind : uint8_t { kFrame, kRoot, kUnknown };
  // Values of a register that are no offsets from the CFA.
  static constexpr int32_t kOther = INT32_MIN;
  static constexpr int32_t kCallers = INT32_MIN + 1;  // what it was at entry
  static constexpr int32_t kNowhere = 0;
  static constexpr int32_t kLimit = 1 << 24;  // offsets beyond are taken for nonsense

  static bool is_place(int32_t value) { return value > kCallers; }
  [[nodiscard]] int32_t& rsp() { return value_[kRsp]; }
  [[nodiscard]] int32_t rsp() const { return value_[kRsp]; }
  void set(uint8_t reg, int64_t value);
  // Where a memory operand lies, or kOther.
  [[nodiscard]] int32_t place_of(const ZydisDecodedOperand& operand) const;
  void store(int32_t place, int32_t size);  // of something else than a preserved register's first value
  void save(uint8_t reg, int32_t place, int32_t size);
  void load(uint8_t reg, int32_t place);
  void push(const Instruction& instruction);
  void pop(const Instruction& instruction);
  void leave();
  void call(const Instruction& instruction);
  void move(const Instruction& instruction);
  void add(const Instruction& instruction, int sign);
  void compare(const Instruction& instruction);
  void lose();  // the frame; a root has none to lose
  void keep_return_address(const Instruction& instruction);
  bool zero_rbp(const Instruction& instruction);
  void clobber(const Instruction& instruction);

  Kind kind_ = Kind::kFrame;
  uint8_t return_in_ = kNumberedRegisters;  // the register that the return address was popped into, as vfork() must
  uint8_t compared_ = kNumberedRegisters;   // the register that the last instruction compared with rsp, if it did
  std::array<int32_t, kNumberedRegisters> value_{};
  // Where the values that registers had at entry lie, in the order of gp_rule.saved.
  std::array<int32_t, GP_SAVED_REGS> slot_{};
};

}  // namespace gp::elf
