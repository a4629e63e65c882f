// DWARF expressions in call frame information, recognised by shape: compilers emit a handful.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace gp::elf {

struct ExpressionShape {
  enum Kind : uint8_t {
    kOdd,           // none of these
    kRegisterPlus,  // reg + offset
    kDeref,         // *(reg + offset)
    kDerefAdd,      // *(reg + offset) + added
    kPlt,           // rsp + 8 + ((rip & 15) >= offset ? 8 : 0)
  };
  Kind kind = kOdd;
  uint8_t reg = 0;
  int64_t offset = 0;
  int64_t added = 0;
};

ExpressionShape shape_of(Bytes expression);

}  // namespace gp::elf
