#include "elf/code/frame_facts.h"

#include <algorithm>

#include "elf/cfi_state.h"

namespace gp::elf {
namespace {

constexpr int32_t kWord = 8;
constexpr int32_t kUsualRbp = -16;              // rbp as frame pointer: right below the return address
constexpr int32_t kRedZone = 128;               // psABI 3.2.2: what signal handlers leave alone below rsp
constexpr int32_t kDeepestSlot = -127 * kWord;  // what gp_rule.saved can say

// The registers of gp_rule.saved by their numbers in instructions.
constexpr std::array<uint8_t, GP_SAVED_REGS> kPreserved = {kRbx, kRbp, 12, 13, 14, 15};
constexpr std::array<uint8_t, 9> kClobberedByCalls = {0, 1, 2, 6, 7, 8, 9, 10, 11};

constexpr uint8_t kNoRegister = 0xff;

size_t preserved_index(uint8_t reg) {
  return static_cast<size_t>(std::ranges::find(kPreserved, reg) - kPreserved.begin());
}

// DWARF has another order of the first eight (psABI figure 3.36).
uint8_t dwarf_number(uint8_t reg) {
  constexpr std::array<uint8_t, 8> kNumbers = {0, 2, 1, 3, 7, 6, 4, 5};
  return reg < kNumbers.size() ? kNumbers[reg] : reg;
}

std::optional<uint8_t> whole_register(const ZydisDecodedOperand& operand) {
  return operand.size == 64 ? register_number(operand) : std::nullopt;
}

bool writes(const ZydisDecodedOperand& operand) { return (operand.actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) != 0; }

}  // namespace

FrameFacts FrameFacts::at_entry() {
  FrameFacts facts;
  facts.value_.fill(kOther);
  for (const uint8_t reg : kPreserved) facts.value_[reg] = kCallers;
  facts.rsp() = kReturnAddress;
  return facts;
}

FrameFacts FrameFacts::at_root() {
  FrameFacts facts = at_entry();
  facts.kind_ = Kind::kRoot;
  return facts;
}

void FrameFacts::set(uint8_t reg, int64_t value) {
  const bool sane = value > -kLimit && value < kLimit;
  value_[reg] = sane ? static_cast<int32_t>(value) : kOther;
}

void FrameFacts::lose() {
  if (kind_ == Kind::kFrame) kind_ = Kind::kUnknown;
}

int32_t FrameFacts::place_of(const ZydisDecodedOperand& operand) const {
  if (operand.mem.index != ZYDIS_REGISTER_NONE || operand.mem.segment == ZYDIS_REGISTER_FS ||
      operand.mem.segment == ZYDIS_REGISTER_GS)
    return kOther;
  const auto base = register_number(operand.mem.base);
  if (!base || !is_place(value_[*base])) return kOther;
  const int64_t place = value_[*base] + operand.mem.disp.value;
  return place > -kLimit && place < kLimit ? static_cast<int32_t>(place) : kOther;
}

void FrameFacts::store(int32_t place, int32_t size) {
  if (!is_place(place)) return;
  for (int32_t& slot : slot_)
    if (slot != kNowhere && slot < place + size && place < slot + kWord) slot = kNowhere;
  if (place < 0 && place + size > kReturnAddress) lose();  // another return address
}

void FrameFacts::save(uint8_t reg, int32_t place, int32_t size) {
  const size_t index = preserved_index(reg);
  const bool is_first = index < slot_.size() && value_[reg] == kCallers && size == kWord && is_place(place);
  if (is_first && slot_[index] == place) return;
  store(place, size);
  const bool lasts = place < kReturnAddress && place % kWord == 0 && is_place(rsp()) && place >= rsp() - kRedZone;
  if (is_first && lasts && slot_[index] == kNowhere) slot_[index] = place;
}

void FrameFacts::load(uint8_t reg, int32_t place) {
  const size_t index = preserved_index(reg);
  const bool restores = index < slot_.size() && is_place(place) && place != kNowhere && slot_[index] == place;
  value_[reg] = restores ? kCallers : kOther;
  if (restores) slot_[index] = kNowhere;
}

void FrameFacts::push(const Instruction& instruction) {
  const int32_t size = instruction.raw.operand_width / 8;
  if (is_place(rsp())) set(kRsp, rsp() - size);
  const auto& operand = instruction.storage[0];
  const bool is_plain = instruction.raw.mnemonic == ZYDIS_MNEMONIC_PUSH;  // not of flags
  const uint8_t reg = is_plain ? whole_register(operand).value_or(kNoRegister) : kNoRegister;
  if (reg == kNoRegister)
    store(rsp(), size);
  else if (rsp() == kReturnAddress && reg == return_in_)
    return_in_ = kNumberedRegisters;
  else
    save(reg, rsp(), size);
}

void FrameFacts::pop(const Instruction& instruction) {
  const int32_t size = instruction.raw.operand_width / 8;
  const int32_t place = rsp();
  if (is_place(place)) set(kRsp, place + size);
  if (instruction.raw.mnemonic != ZYDIS_MNEMONIC_POP) return;  // of flags
  const auto& operand = instruction.storage[0];
  if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY) return store(place_of(operand), size);
  const auto reg = register_number(operand);
  if (!reg) return;
  const bool is_scratch = std::ranges::find(kClobberedByCalls, *reg) != kClobberedByCalls.end();
  if (place == kReturnAddress && size == kWord && is_scratch) return_in_ = *reg;
  load(*reg, size == kWord ? place : kOther);
}

void FrameFacts::leave() {
  const int32_t place = value_[kRbp];
  rsp() = kOther;
  if (is_place(place)) set(kRsp, place + kWord);
  load(kRbp, place);
}

void FrameFacts::call(const Instruction& instruction) {
  if (instruction.flow == Flow::kCall && instruction.target == instruction.end()) {  // to learn its own address
    if (is_place(rsp())) set(kRsp, rsp() - kWord);
    store(rsp(), kWord);
    return;
  }
  for (const uint8_t reg : kClobberedByCalls) value_[reg] = kOther;
  for (int32_t& slot : slot_)
    if (is_place(rsp()) && slot < rsp()) slot = kNowhere;
}

void FrameFacts::move(const Instruction& instruction) {
  const auto& to = instruction.storage[0];
  const auto& from = instruction.storage[1];
  const bool is_whole = to.size == 64;
  if (to.type == ZYDIS_OPERAND_TYPE_MEMORY) {
    const auto reg = register_number(from);
    if (reg && is_whole)
      save(*reg, place_of(to), kWord);
    else
      store(place_of(to), to.size / 8);
    return;
  }
  const auto reg = register_number(to);
  if (!reg) return;
  const auto source = is_whole ? whole_register(from) : std::nullopt;
  if (is_whole && from.type == ZYDIS_OPERAND_TYPE_MEMORY) {
    load(*reg, place_of(from));
  } else if (source) {
    if (*reg != *source) value_[*reg] = is_place(value_[*source]) ? value_[*source] : kOther;
  } else {
    value_[*reg] = kOther;
  }
}

void FrameFacts::add(const Instruction& instruction, int sign) {
  const auto& to = instruction.storage[0];
  const auto& by = instruction.storage[1];
  const auto reg = register_number(to);
  if (!reg || to.size != 64 || by.type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !is_place(value_[*reg]))
    return clobber(instruction);
  const int64_t amount = by.imm.value.s;
  if (amount <= -kLimit || amount >= kLimit) return clobber(instruction);
  set(*reg, value_[*reg] + sign * amount);
}

// The outermost frame of a program or thread clears rbp (psABI 3.4.1) that no caller wants back.
bool FrameFacts::zero_rbp(const Instruction& instruction) {
  const auto& to = instruction.storage[0];
  const auto& from = instruction.storage[1];
  if (register_number(to) != kRbp || register_number(from) != kRbp || to.size < 32 || from.size < 32) return false;
  if (value_[kRbp] != kCallers || slot_[GP_SAVED_RBP] != kNowhere) return false;
  kind_ = Kind::kRoot;
  return true;
}

void FrameFacts::clobber(const Instruction& instruction) {
  for (const ZydisDecodedOperand& operand : instruction.operands()) {
    if (!writes(operand)) continue;
    if (operand.type == ZYDIS_OPERAND_TYPE_MEMORY)
      store(place_of(operand), std::max<int32_t>(operand.size / 8, kWord));
    else if (const auto reg = register_number(operand))
      value_[*reg] = kOther;
  }
}

// Compilers take big frames a page at a time, down to the address in a register (GCC's -fstack-clash-protection).
void FrameFacts::compare(const Instruction& instruction) {
  const auto a = whole_register(instruction.storage[0]);
  const auto b = whole_register(instruction.storage[1]);
  if (!a || !b) return;
  if (*a == kRsp) compared_ = *b;
  if (*b == kRsp) compared_ = *a;
}

void FrameFacts::apply(const Instruction& instruction) {
  if (kind_ == Kind::kUnknown) return;
  compared_ = kNumberedRegisters;
  switch (instruction.raw.mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
    case ZYDIS_MNEMONIC_PUSHF:
    case ZYDIS_MNEMONIC_PUSHFQ: push(instruction); break;
    case ZYDIS_MNEMONIC_POP:
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFQ: pop(instruction); break;
    case ZYDIS_MNEMONIC_LEAVE: leave(); break;
    case ZYDIS_MNEMONIC_CALL: call(instruction); break;
    case ZYDIS_MNEMONIC_MOV: move(instruction); break;
    case ZYDIS_MNEMONIC_ADD: add(instruction, 1); break;
    case ZYDIS_MNEMONIC_SUB: add(instruction, -1); break;
    case ZYDIS_MNEMONIC_LEA: {
      const auto reg = register_number(instruction.storage[0]);
      if (reg) value_[*reg] = instruction.storage[0].size == 64 ? place_of(instruction.storage[1]) : kOther;
      break;
    }
    case ZYDIS_MNEMONIC_XOR:
      if (!zero_rbp(instruction)) clobber(instruction);
      break;
    case ZYDIS_MNEMONIC_SYSCALL: value_[0] = value_[1] = value_[11] = kOther; break;  // rax, rcx, r11
    case ZYDIS_MNEMONIC_CMP: compare(instruction); break;
    case ZYDIS_MNEMONIC_RET: break;
    default: clobber(instruction);
  }
  keep_return_address(instruction);
}

// It is on the stack, or in the register it was popped into until another value is.
void FrameFacts::keep_return_address(const Instruction& instruction) {
  if (return_in_ == kNumberedRegisters) {
    if (is_place(rsp()) && rsp() > kReturnAddress) lose();
    return;
  }
  const auto overwrites = [this](const ZydisDecodedOperand& operand) {
    return writes(operand) && register_number(operand) == return_in_;
  };
  const bool is_its_pop =
      instruction.raw.mnemonic == ZYDIS_MNEMONIC_POP && register_number(instruction.storage[0]) == return_in_;
  const bool is_call = instruction.raw.mnemonic == ZYDIS_MNEMONIC_CALL;
  if (rsp() != 0 || is_call || (!is_its_pop && std::ranges::any_of(instruction.operands(), overwrites))) lose();
}

void FrameFacts::assume_equal() {
  if (compared_ < kNumberedRegisters && is_place(value_[compared_])) rsp() = value_[compared_];
}

bool FrameFacts::join(const FrameFacts& other) {
  if (kind_ == Kind::kUnknown) return false;
  if (kind_ != other.kind_) {
    kind_ = Kind::kUnknown;
    return true;
  }
  bool changed = false;
  if (return_in_ != other.return_in_) {
    lose();
    return true;
  }
  if (compared_ != other.compared_) compared_ = kNumberedRegisters;
  const auto meet = [&changed](int32_t& mine, int32_t theirs, int32_t nothing) {
    if (mine == theirs || mine == nothing) return;
    mine = nothing;
    changed = true;
  };
  for (size_t i = 0; i < value_.size(); ++i) meet(value_[i], other.value_[i], kOther);
  for (size_t i = 0; i < slot_.size(); ++i) meet(slot_[i], other.slot_[i], kNowhere);
  return changed;
}

bool FrameFacts::is_as_at_entry() const {
  return kind_ == Kind::kFrame && rsp() == kReturnAddress &&
         std::ranges::all_of(kPreserved, [this](uint8_t reg) { return value_[reg] == kCallers; });
}

gp_rule FrameFacts::rule() const {
  gp_rule rule{};
  if (kind_ == Kind::kRoot) rule.cfa_op = GP_CFA_ROOT;
  if (kind_ != Kind::kFrame) return rule;
  uint8_t base = kRsp;
  if (value_[kRbp] == kUsualRbp && slot_[GP_SAVED_RBP] == kUsualRbp) base = kRbp;
  if (!is_place(value_[base])) {
    const auto* const other = std::ranges::find_if(kPreserved, [this](uint8_t reg) { return is_place(value_[reg]); });
    if (other == kPreserved.end()) return rule;
    base = *other;
  }
  rule.cfa_op = GP_CFA_REG;
  rule.cfa_reg = dwarf_number(base);
  rule.cfa_offset = -value_[base];
  rule.ra_offset = kReturnAddress;
  if (return_in_ != kNumberedRegisters) {
    rule.ra_op = GP_RA_REGISTER;
    rule.ra_offset = dwarf_number(return_in_);
  }
  for (size_t i = 0; i < slot_.size(); ++i) {
    const bool is_callers = value_[kPreserved[i]] == kCallers;
    const bool is_popped = is_place(rsp()) && slot_[i] < rsp();
    const bool is_saved = slot_[i] != kNowhere && slot_[i] >= kDeepestSlot;
    if (is_callers && (slot_[i] == kNowhere || is_popped || !is_saved))
      rule.saved[i] = GP_SAVED_SAME;
    else
      rule.saved[i] = static_cast<int8_t>(is_saved ? slot_[i] / kWord : GP_SAVED_UNKNOWN);
  }
  return rule;
}

}  // namespace gp::elf
