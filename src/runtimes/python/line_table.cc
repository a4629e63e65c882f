#include "runtimes/python/line_table.h"

namespace gp::runtimes::python {
namespace {

constexpr int8_t kNoLine = -128;

}  // namespace

uint32_t lnotab_line(Bytes table, uint32_t first_line, uint32_t at, bool signed_lines) {
  int64_t line = first_line;
  uint64_t address = 0;
  for (size_t i = 0; i + 2 <= table.size(); i += 2) {
    address += table[i];
    if (address > at) break;
    line += signed_lines ? int64_t{static_cast<int8_t>(table[i + 1])} : int64_t{table[i + 1]};
  }
  return line > 0 && line <= INT32_MAX ? static_cast<uint32_t>(line) : 0;
}

std::optional<uint32_t> linetable_line(Bytes table, uint32_t first_line, uint32_t unit) {
  int64_t line = first_line;
  const uint64_t at = uint64_t{unit} * 2;  // bytes
  uint64_t end = 0;
  for (size_t i = 0; i + 2 <= table.size(); i += 2) {
    end += table[i];
    const auto step = static_cast<int8_t>(table[i + 1]);
    if (step != kNoLine) line += step;
    if (at >= end) continue;
    if (step == kNoLine || line <= 0 || line > INT32_MAX) return std::nullopt;
    return static_cast<uint32_t>(line);
  }
  return std::nullopt;
}

}  // namespace gp::runtimes::python
