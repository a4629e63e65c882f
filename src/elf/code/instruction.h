// One x86-64 instruction, decoded by Zydis: what it does to the flow of control, and its operands. Owner thread: none
// (values).
#pragma once

#include <Zydis/Zydis.h>

#include <array>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/ids.h"

namespace gp::elf {

// Where control goes behind an instruction.
enum class Flow : uint8_t {
  kNext,
  kBranch,        // to `target` or on
  kJump,          // to `target`
  kIndirectJump,  // to a place that a register or memory holds
  kCall,          // of `target`
  kIndirectCall,
  kReturn,
  kStop,  // nowhere: hlt, ud2, int3
};

// Registers by their number in instructions (Intel SDM volume 2, table 3-1).
inline constexpr uint8_t kRbx = 3;
inline constexpr uint8_t kRsp = 4;
inline constexpr uint8_t kRbp = 5;
inline constexpr uint8_t kNumberedRegisters = 16;

struct Instruction {
  Vaddr address;
  Flow flow = Flow::kNext;
  Vaddr target;
  ZydisDecodedInstruction raw;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> storage;

  [[nodiscard]] Vaddr end() const { return address + raw.length; }
  // Also the hidden ones: what the instruction reads and writes unsaid.
  [[nodiscard]] std::span<const ZydisDecodedOperand> operands() const { return {storage.data(), raw.operand_count}; }
  // Does nothing: what fills the room between functions.
  [[nodiscard]] bool is_padding() const;
  // The address of an operand `disp(%rip)`.
  [[nodiscard]] std::optional<Vaddr> rip_address(const ZydisDecodedOperand& operand) const;
};

// The number of the general register that an operand is, or is a part of; nothing for others.
std::optional<uint8_t> register_number(const ZydisDecodedOperand& operand);
std::optional<uint8_t> register_number(ZydisRegister reg);

class Decoder {
 public:
  Decoder();
  // The instruction at the head of `code`; false when there is none. `out` is written in place: it is a kilobyte.
  bool decode(Bytes code, Vaddr address, Instruction& out) const;

 private:
  ZydisDecoder decoder_;
};

}  // namespace gp::elf
