#include "elf/code/jump_table.h"

#include <algorithm>
#include <utility>

namespace gp::elf {

void JumpTables::compare(const Instruction& instruction) {
  const auto reg = register_number(instruction.storage[0]);
  const auto& with = instruction.storage[1];
  if (!reg || with.type != ZYDIS_OPERAND_TYPE_IMMEDIATE) return;
  compared_ = *reg;
  with_ = with.imm.value.u;
}

// What a memory operand that is a table's entry holds.
JumpTables::Register JumpTables::entry(const ZydisDecodedOperand& memory) const {
  Register found;
  const auto index = register_number(memory.mem.index);
  if (memory.type != ZYDIS_OPERAND_TYPE_MEMORY || !index || memory.mem.scale * 8U != memory.size) return found;
  const uint64_t last = registers_[*index].last;
  if (last >= kMaxEntries || registers_[*index].kind != Kind::kUnknown) return found;
  const auto displacement = static_cast<uint64_t>(memory.mem.disp.value);
  const auto base = register_number(memory.mem.base);
  if (memory.mem.scale == 4 && base && registers_[*base].kind == Kind::kAddress)
    return {Kind::kDistance, 4, registers_[*base].address + displacement, last};
  if (memory.mem.scale == 8 && memory.mem.base == ZYDIS_REGISTER_NONE)
    return {Kind::kTarget, 8, Vaddr{displacement}, last};
  if (memory.mem.scale == 8 && base && registers_[*base].kind == Kind::kAddress)
    return {Kind::kTarget, 8, registers_[*base].address + displacement, last};
  return found;
}

void JumpTables::move(const Instruction& instruction, uint8_t to) {
  const auto& from = instruction.storage[1];
  const auto source = register_number(from);
  Register moved;
  if (from.type == ZYDIS_OPERAND_TYPE_MEMORY)
    moved = entry(from);
  else if (source && from.size == 64)
    moved = registers_[*source];
  else if (source)
    moved.last = registers_[*source].last;
  registers_[to] = moved;
}

void JumpTables::add(const Instruction& instruction) {
  const uint8_t compared = std::exchange(compared_, kNumberedRegisters);
  const auto to = register_number(instruction.storage[0]);
  const auto& from = instruction.storage[1];
  switch (instruction.raw.mnemonic) {
    case ZYDIS_MNEMONIC_CMP: return compare(instruction);
    case ZYDIS_MNEMONIC_JNBE:
      if (compared < kNumberedRegisters) registers_[compared].last = with_;
      return;
    case ZYDIS_MNEMONIC_JNB:
      if (compared < kNumberedRegisters && with_ > 0) registers_[compared].last = with_ - 1;
      return;
    case ZYDIS_MNEMONIC_MOV:
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSXD:
      if (to) return move(instruction, *to);
      return;
    case ZYDIS_MNEMONIC_LEA:
      if (!to) return;
      registers_[*to] = {};
      if (const auto address = instruction.rip_address(from))
        registers_[*to] = {Kind::kAddress, 0, *address, kUnbounded};
      return;
    case ZYDIS_MNEMONIC_AND:
      if (!to) return;
      registers_[*to] = {};
      if (from.type == ZYDIS_OPERAND_TYPE_IMMEDIATE) registers_[*to].last = from.imm.value.u;
      return;
    case ZYDIS_MNEMONIC_ADD: {
      const auto by = register_number(from);
      if (!to) return;
      const Register a = registers_[*to];
      const Register b = by ? registers_[*by] : Register{};
      registers_[*to] = {};
      for (const auto& [distance, table] : {std::pair(a, b), std::pair(b, a)})
        if (distance.kind == Kind::kDistance && table.kind == Kind::kAddress && distance.address == table.address)
          registers_[*to] = {Kind::kTarget, 4, table.address, distance.last};
      return;
    }
    default: break;
  }
  for (const ZydisDecodedOperand& operand : instruction.operands())
    if (const auto reg = register_number(operand); reg && (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0)
      registers_[*reg] = {};
}

std::vector<Vaddr> JumpTables::targets(const Instruction& jump, const Image& image) const {
  std::vector<Vaddr> found;
  const auto& operand = jump.storage[0];
  const auto reg = register_number(operand);
  const Register by = reg ? registers_[*reg] : entry(operand);
  if (by.kind != Kind::kTarget || by.last >= kMaxEntries) return found;
  const Bytes table = image.bytes_at(by.address);
  found.reserve(by.last + 1);
  for (uint64_t i = 0; i <= by.last; ++i) {
    if (by.entry_bytes == 4) {
      const auto distance = read_at<int32_t>(table, i * 4);
      if (!distance) return {};
      found.push_back(by.address + static_cast<uint64_t>(int64_t{*distance}));
    } else {
      const auto address = read_at<uint64_t>(table, i * 8);
      if (!address) return {};
      found.push_back({*address});
    }
  }
  std::ranges::sort(found);
  const auto repeated = std::ranges::unique(found);
  found.erase(repeated.begin(), repeated.end());
  return found;
}

}  // namespace gp::elf
