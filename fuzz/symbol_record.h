// Symbol records from any bytes. Owner thread: the fuzzer's.
#pragma once

#include <cstring>
#include <vector>

#include "base/bytes.h"
#include "bpf/abi/sample.h"

namespace gp::fuzz {

// Calls `check` with the bytes as they are, and as a record that is whole but for what they say.
template <class Check>
void as_symbol_records(Bytes bytes, gp_runtime runtime, Check check) {
  std::vector<uint8_t> record(bytes.begin(), bytes.end());
  check(record);
  auto head = read_at<gp_symbol>(record, 0);
  if (!head) return;
  head->header = {GP_RECORD_SYMBOL, static_cast<uint32_t>(record.size())};
  head->runtime = runtime;
  for (gp_symbol_text* text : {&head->name, &head->file, &head->scope}) text->bytes %= GP_SYMBOL_NAME_MAX + 2;
  head->table_stored %= GP_SYMBOL_TABLE_MAX;
  std::memcpy(record.data(), &*head, sizeof(*head));
  check(record);
}

// What a name takes at the most: each byte may become an escape of four, qualified once.
constexpr size_t kMaxName = size_t{4} * 2 * GP_SYMBOL_NAME_MAX + 64;

}  // namespace gp::fuzz
