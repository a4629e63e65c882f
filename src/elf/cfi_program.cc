#include "elf/cfi_program.h"

#include <dwarf.h>

#include <algorithm>

#include "elf/cfi_expression.h"
#include "elf/encoded_pointer.h"

namespace gp::elf {
namespace {

constexpr uint8_t kOperandMask = 0x3f;

// Products of foreign numbers wrap instead of overflowing.
int64_t scaled(uint64_t factor, int64_t align) { return static_cast<int64_t>(factor * static_cast<uint64_t>(align)); }
int64_t scaled(int64_t factor, int64_t align) { return scaled(static_cast<uint64_t>(factor), align); }

// A register number as rules hold it; what is none of x86-64's becomes one that no rule accepts.
uint8_t register_number(uint64_t number) { return number < kDwarfRegisters ? static_cast<uint8_t>(number) : 0xff; }

CfaRule cfa_by(const ExpressionShape& shape) {
  switch (shape.kind) {
    case ExpressionShape::kRegisterPlus: return {GP_CFA_REG, shape.reg, shape.offset, 0};
    case ExpressionShape::kDeref: return {GP_CFA_REG_DEREF, shape.reg, shape.offset, 0};
    case ExpressionShape::kDerefAdd: return {GP_CFA_REG_DEREF_ADD, shape.reg, shape.added, shape.offset};
    case ExpressionShape::kPlt: return {GP_CFA_PLT, shape.reg, shape.offset, 0};
    default: return {};
  }
}

RegisterRule saved_by(const ExpressionShape& shape) {
  if (shape.kind != ExpressionShape::kRegisterPlus) return {RegisterRule::kOdd, 0, 0};
  return {RegisterRule::kAtRegister, shape.reg, shape.offset};
}

}  // namespace

std::optional<FrameState> CfiProgram::initial_state(const Cie& cie, uint64_t& budget) {
  state_ = initial_ = FrameState{};
  state_.rules_version = ++versions_;
  depth_ = 0;
  sink_ = nullptr;
  ByteReader reader(cie.instructions);
  while (!reader.at_end()) {
    if (budget == 0) return std::nullopt;
    --budget;
    if (execute(reader, cie) != Step::kNext) return std::nullopt;
  }
  return state_;
}

bool CfiProgram::run(const Cie& cie, const FrameState& initial, const Fde& fde, CfiSink& sink, uint64_t& budget) {
  state_ = initial_ = initial;
  depth_ = 0;
  sink_ = &sink;
  location_ = fde.begin;
  end_ = fde.end;
  ByteReader reader(fde.instructions);
  while (!reader.at_end()) {
    if (budget == 0) return false;
    --budget;
    const Step step = execute(reader, cie);
    if (step == Step::kStop) return true;
    if (step == Step::kBroken) return false;
  }
  if (location_ < end_) sink.on_state(location_, end_, state_);
  return true;
}

CfiProgram::Step CfiProgram::execute(ByteReader& reader, const Cie& cie) {
  const auto byte = reader.read<uint8_t>();
  const auto operand = static_cast<uint8_t>(byte & kOperandMask);
  Step step = Step::kNext;
  switch (byte & ~kOperandMask) {
    case DW_CFA_advance_loc: return advance(operand, cie);
    case DW_CFA_offset: set_rule(operand, {RegisterRule::kAtCfa, 0, scaled(reader.uleb128(), cie.data_align)}); break;
    case DW_CFA_restore: restore(operand); break;
    default: step = execute_extended(byte, reader, cie);
  }
  return reader.ok() ? step : Step::kBroken;
}

CfiProgram::Step CfiProgram::execute_extended(uint8_t opcode, ByteReader& reader, const Cie& cie) {
  switch (opcode) {
    case DW_CFA_nop:
    case DW_CFA_GNU_window_save:  // on arm64 DW_CFA_AARCH64_negate_ra_state, which does not change where
                                  // things are
      return Step::kNext;
    case DW_CFA_set_loc:
      // Its pointer is relative to a place that instructions do not know; compilers have no use for it.
      if (cie.pointer_encoding != DW_EH_PE_absptr) return Step::kBroken;
      return move_to({reader.read<uint64_t>()});
    case DW_CFA_advance_loc1: return advance(reader.read<uint8_t>(), cie);
    case DW_CFA_advance_loc2: return advance(reader.read<uint16_t>(), cie);
    case DW_CFA_advance_loc4: return advance(reader.read<uint32_t>(), cie);
    case DW_CFA_remember_state:
      if (depth_ == kMaxRemembered) return Step::kBroken;
      remembered_[depth_++] = state_;
      return Step::kNext;
    case DW_CFA_restore_state:
      if (depth_ == 0) return Step::kBroken;
      state_ = remembered_[--depth_];
      return Step::kNext;
    case DW_CFA_GNU_args_size: reader.uleb128(); return Step::kNext;
    case DW_CFA_def_cfa:
    case DW_CFA_def_cfa_sf:
    case DW_CFA_def_cfa_register:
    case DW_CFA_def_cfa_offset:
    case DW_CFA_def_cfa_offset_sf:
    case DW_CFA_def_cfa_expression: return define_cfa(opcode, reader, cie);
    default: return set_register(opcode, reader, cie);
  }
}

CfiProgram::Step CfiProgram::define_cfa(uint8_t opcode, ByteReader& reader, const Cie& cie) {
  CfaRule& cfa = state_.cfa;
  switch (opcode) {
    case DW_CFA_def_cfa:
      cfa = {GP_CFA_REG, register_number(reader.uleb128()), 0, 0};
      cfa.offset = static_cast<int64_t>(reader.uleb128());
      break;
    case DW_CFA_def_cfa_sf:
      cfa = {GP_CFA_REG, register_number(reader.uleb128()), 0, 0};
      cfa.offset = scaled(reader.sleb128(), cie.data_align);
      break;
    case DW_CFA_def_cfa_register: cfa = {GP_CFA_REG, register_number(reader.uleb128()), cfa.offset, 0}; break;
    case DW_CFA_def_cfa_offset: cfa.offset = static_cast<int64_t>(reader.uleb128()); break;
    case DW_CFA_def_cfa_offset_sf: cfa.offset = scaled(reader.sleb128(), cie.data_align); break;
    default: cfa = cfa_by(shape_of(reader.take(reader.uleb128())));
  }
  return Step::kNext;
}

CfiProgram::Step CfiProgram::set_register(uint8_t opcode, ByteReader& reader, const Cie& cie) {
  const uint64_t number = reader.uleb128();
  switch (opcode) {
    case DW_CFA_offset_extended:
      set_rule(number, {RegisterRule::kAtCfa, 0, scaled(reader.uleb128(), cie.data_align)});
      return Step::kNext;
    case DW_CFA_offset_extended_sf:
      set_rule(number, {RegisterRule::kAtCfa, 0, scaled(reader.sleb128(), cie.data_align)});
      return Step::kNext;
    case DW_CFA_GNU_negative_offset_extended:
      set_rule(number, {RegisterRule::kAtCfa, 0, scaled(uint64_t{0} - reader.uleb128(), cie.data_align)});
      return Step::kNext;
    case DW_CFA_val_offset:
      set_rule(number, {RegisterRule::kIsCfa, 0, scaled(reader.uleb128(), cie.data_align)});
      return Step::kNext;
    case DW_CFA_val_offset_sf:
      set_rule(number, {RegisterRule::kIsCfa, 0, scaled(reader.sleb128(), cie.data_align)});
      return Step::kNext;
    case DW_CFA_restore_extended: restore(number); return Step::kNext;
    case DW_CFA_undefined: set_rule(number, {RegisterRule::kUndefined, 0, 0}); return Step::kNext;
    case DW_CFA_same_value: set_rule(number, {RegisterRule::kSame, 0, 0}); return Step::kNext;
    case DW_CFA_register:
      set_rule(number, {RegisterRule::kInRegister, register_number(reader.uleb128()), 0});
      return Step::kNext;
    case DW_CFA_expression: set_rule(number, saved_by(shape_of(reader.take(reader.uleb128())))); return Step::kNext;
    case DW_CFA_val_expression:
      reader.skip(reader.uleb128());
      set_rule(number, {RegisterRule::kOdd, 0, 0});
      return Step::kNext;
    default: return Step::kBroken;
  }
}

CfiProgram::Step CfiProgram::advance(uint64_t delta, const Cie& cie) {
  const uint64_t distance = delta * cie.code_align;
  // Beyond the end nothing of the function is left to say; this also keeps the sum from wrapping.
  return move_to(distance < end_ - location_ ? location_ + distance : end_);
}

CfiProgram::Step CfiProgram::move_to(Vaddr location) {
  if (sink_ == nullptr || location < location_) return Step::kBroken;  // a CIE has no locations
  const Vaddr stretch_end = std::min(location, end_);
  if (stretch_end > location_ && !sink_->on_state(location_, stretch_end, state_)) return Step::kStop;
  location_ = stretch_end;
  return location_ == end_ ? Step::kStop : Step::kNext;
}

void CfiProgram::set_rule(uint64_t dwarf_register, const RegisterRule& rule) {
  const size_t index = tracked_index(dwarf_register);
  if (index == kNotTracked) return;
  state_.rules[index] = rule;
  state_.rules_version = ++versions_;
}

void CfiProgram::restore(uint64_t dwarf_register) {
  const size_t index = tracked_index(dwarf_register);
  if (index != kNotTracked) set_rule(dwarf_register, initial_.rules[index]);
}

}  // namespace gp::elf
