// Go's table of functions (.gopclntab), which the runtime itself unwinds and names by, so no linker flag strips it.
// Layout: Go's source, runtime/symtab.go (pcHeader, functab), runtime/runtime2.go (_func) and
// cmd/link/internal/ld/pcln.go, releases 1.16 to 1.26.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "elf/image.h"

namespace gp::elf {

// One function: [begin, end) of code and its _func record.
struct GoFunction {
  Vaddr begin;
  Vaddr end;
  Bytes record;  // from _func.nameOff on: the same fields in every release
};

// Values by pc, as pctab has them: a run of (value delta, pc delta) pairs. Both ends of a step are relative to the
// function's begin.
class GoPcValues {
 public:
  GoPcValues(Bytes table, uint64_t quantum) : reader_(table), quantum_(quantum) {}

  struct Step {
    uint64_t begin = 0;
    uint64_t end = 0;
    int32_t value = 0;
  };
  // Nothing at the end of the run, and where it is broken.
  std::optional<Step> next();

 private:
  ByteReader reader_;
  uint64_t quantum_;
  uint64_t at_ = 0;
  int32_t value_ = -1;
  bool first_ = true;
};

// Owner thread: none (immutable). Views the image it was made from.
class GoPclntab {
 public:
  // Nothing for files without one, of releases before 1.16, and where the code's address cannot be found.
  static std::optional<GoPclntab> from_image(const Image& image);

  [[nodiscard]] size_t size() const { return count_; }
  // Nothing for records that lie outside or do not ascend.
  [[nodiscard]] std::optional<GoFunction> function(size_t index) const;
  // Index of the last function that begins at or before `address`; 0 when all begin behind it.
  [[nodiscard]] size_t find(Vaddr address) const;

  // Empty when it cannot be read.
  [[nodiscard]] std::string_view name(const GoFunction& function) const;
  // Bytes of stack the function has taken at each pc.
  [[nodiscard]] GoPcValues stack_deltas(const GoFunction& function) const;

 private:
  [[nodiscard]] std::optional<Vaddr> entry(size_t index) const;

  Bytes names_;
  Bytes pc_values_;
  Bytes functions_;  // pclntable: the function table, then the records
  Vaddr text_;
  uint64_t quantum_ = 1;
  size_t count_ = 0;
  bool has_wide_entries_ = false;  // 1.16: addresses of 8 bytes; later offsets of 4 from the text's start
};

}  // namespace gp::elf
