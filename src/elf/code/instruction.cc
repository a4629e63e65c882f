#include "elf/code/instruction.h"

namespace gp::elf {
namespace {

bool is_relative(const Instruction& instruction) {
  const auto& first = instruction.storage[0];
  return first.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && first.imm.is_relative;
}

Flow flow_of(const Instruction& instruction) {
  switch (instruction.raw.meta.category) {
    case ZYDIS_CATEGORY_COND_BR: return Flow::kBranch;
    case ZYDIS_CATEGORY_UNCOND_BR: return is_relative(instruction) ? Flow::kJump : Flow::kIndirectJump;
    case ZYDIS_CATEGORY_CALL: return is_relative(instruction) ? Flow::kCall : Flow::kIndirectCall;
    case ZYDIS_CATEGORY_RET: return Flow::kReturn;
    default: break;
  }
  switch (instruction.raw.mnemonic) {
    case ZYDIS_MNEMONIC_HLT:
    case ZYDIS_MNEMONIC_INT3:
    case ZYDIS_MNEMONIC_UD0:
    case ZYDIS_MNEMONIC_UD1:
    case ZYDIS_MNEMONIC_UD2: return Flow::kStop;
    default: return Flow::kNext;
  }
}

}  // namespace

bool Instruction::is_padding() const {
  return raw.mnemonic == ZYDIS_MNEMONIC_NOP || raw.mnemonic == ZYDIS_MNEMONIC_INT3;
}

std::optional<Vaddr> Instruction::rip_address(const ZydisDecodedOperand& operand) const {
  if (operand.type != ZYDIS_OPERAND_TYPE_MEMORY || operand.mem.base != ZYDIS_REGISTER_RIP) return std::nullopt;
  return end() + static_cast<uint64_t>(operand.mem.disp.value);
}

std::optional<uint8_t> register_number(ZydisRegister reg) {
  const ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
  if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15) return std::nullopt;
  return static_cast<uint8_t>(whole - ZYDIS_REGISTER_RAX);
}

std::optional<uint8_t> register_number(const ZydisDecodedOperand& operand) {
  if (operand.type != ZYDIS_OPERAND_TYPE_REGISTER) return std::nullopt;
  return register_number(operand.reg.value);
}

Decoder::Decoder() : decoder_{} { ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64); }

bool Decoder::decode(Bytes code, Vaddr address, Instruction& out) const {
  ZydisDecoderContext context;
  if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder_, &context, code.data(), code.size(), &out.raw))) return false;
  const auto status =
      ZydisDecoderDecodeOperands(&decoder_, &context, &out.raw, out.storage.data(), out.raw.operand_count);
  if (ZYAN_FAILED(status)) return false;
  out.address = address;
  out.target = {};
  out.flow = flow_of(out);
  const bool has_target = out.flow == Flow::kBranch || out.flow == Flow::kJump || out.flow == Flow::kCall;
  if (has_target) out.target = out.end() + static_cast<uint64_t>(out.storage[0].imm.value.s);
  return true;
}

}  // namespace gp::elf
