// What the agent decodes of LuaJIT's: symbol records, and the packed names in them.
#include "base/check.h"
#include "bpf/abi/luajit.h"
#include "bpf/abi/sample.h"
#include "runtimes/lua/luajit_symbol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gp;
  using namespace gp::runtimes::lua;
  const Bytes bytes{data, size};
  for (const uint32_t number : {0U, 1U, 200U, ~0U}) {
    GP_CHECK(luajit_local(bytes, number, number).size() <= size);
    GP_CHECK(luajit_upvalue(bytes, number).size() <= size);
  }
  // The record at hand, and one that is whole but for what the bytes say.
  std::vector<uint8_t> record(data, data + size);
  static_cast<void>(decode_luajit_symbol(record));
  if (auto head = read_at<gp_symbol>(record, 0)) {
    head->header = {GP_RECORD_SYMBOL, static_cast<uint32_t>(size)};
    head->runtime = GP_RUNTIME_LUAJIT;
    for (gp_symbol_text* text : {&head->name, &head->file, &head->scope}) text->bytes %= GP_SYMBOL_NAME_MAX + 2;
    head->table_stored %= GP_SYMBOL_TABLE_MAX;
    std::memcpy(record.data(), &*head, sizeof(*head));
    if (const auto symbol = decode_luajit_symbol(record))
      GP_CHECK(symbol->name.size() <= 4 * 2 * GP_SYMBOL_NAME_MAX + GP_LUAJIT_NAMES_MAX + 64);
  }
  return 0;
}
