// A symbol record of the walker (struct gp_symbol) taken apart: what all languages' records have in common.
// Owner thread: any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "bpf/abi/sample.h"
#include "targets/runtime.h"

namespace gp::runtimes {

// Texts are UTF-8 and end in "…" where they were cut; none: could not be read in the process, or there is none.
struct SymbolRecord {
  std::optional<std::string> name;
  std::optional<std::string> file;
  std::optional<std::string> scope;
  bool file_truncated = false;
  uint32_t first_line = 0;
  uint32_t table_format = 0;
  std::vector<uint8_t> table;  // as long as it could be had
};

// Nothing when the record is broken or another runtime's (enum gp_runtime). `memory`, when there, serves the rest of a
// table too long for a record.
std::optional<SymbolRecord> read_symbol_record(Bytes record, uint32_t runtime, const targets::MemoryReader* memory);

// Characters of `width` bytes (1: latin-1, 2: UCS-2, 4: UCS-4) as UTF-8. What is no character becomes U+FFFD.
std::string to_utf8(Bytes characters, unsigned width);

}  // namespace gp::runtimes
