#include "elf/cfi_expression.h"

#include <dwarf.h>

#include <limits>

#include "elf/cfi_state.h"

namespace gp::elf {
namespace {

// rsp+8, rip+0, lit15, and, LITERAL, ge, lit3, shl, plus: what linkers write for .plt (binutils,
// bfd/elfxx-x86.c; the literal is the offset of the instruction after the push: 11, 10 or 9 by kind of stub).
ExpressionShape plt_shape(ByteReader reader) {
  const bool head = reader.read<uint8_t>() == DW_OP_breg7 && reader.sleb128() == 8 &&
                    reader.read<uint8_t>() == DW_OP_breg16 && reader.sleb128() == 0 &&
                    reader.read<uint8_t>() == DW_OP_lit15 && reader.read<uint8_t>() == DW_OP_and;
  const auto literal = reader.read<uint8_t>();
  const bool tail = reader.read<uint8_t>() == DW_OP_ge && reader.read<uint8_t>() == DW_OP_lit3 &&
                    reader.read<uint8_t>() == DW_OP_shl && reader.read<uint8_t>() == DW_OP_plus;
  if (!head || !tail || !reader.ok() || !reader.at_end()) return {};
  if (literal < DW_OP_lit0 || literal > DW_OP_lit15) return {};
  return {ExpressionShape::kPlt, kDwarfRsp, literal - DW_OP_lit0, 0};
}

}  // namespace

ExpressionShape shape_of(Bytes expression) {
  ByteReader reader(expression);
  const auto first = reader.read<uint8_t>();
  if (first < DW_OP_breg0 || first > DW_OP_breg16) return {};
  ExpressionShape shape{ExpressionShape::kRegisterPlus, static_cast<uint8_t>(first - DW_OP_breg0), reader.sleb128(), 0};
  if (!reader.ok()) return {};
  if (reader.at_end()) return shape;
  const auto second = reader.read<uint8_t>();
  if (second != DW_OP_deref) return plt_shape(ByteReader(expression));
  shape.kind = ExpressionShape::kDeref;
  if (reader.at_end()) return shape;
  if (reader.read<uint8_t>() != DW_OP_plus_uconst) return {};
  const uint64_t added = reader.uleb128();
  if (!reader.ok() || !reader.at_end() || added > std::numeric_limits<int32_t>::max()) return {};
  shape.kind = ExpressionShape::kDerefAdd;
  shape.added = static_cast<int64_t>(added);
  return shape;
}

}  // namespace gp::elf
