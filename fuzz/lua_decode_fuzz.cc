// What the agent decodes of Lua's: symbol records with their lines, and the notice that says the version.
#include "base/check.h"
#include "bpf/abi/sample.h"
#include "runtimes/lua/function_symbol.h"
#include "runtimes/lua/ident.h"
#include "runtimes/lua/lines.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gp;
  using namespace gp::runtimes::lua;
  // The record at hand, and one that is whole but for what the bytes say.
  std::vector<uint8_t> record(data, data + size);
  static_cast<void>(decode_symbol(record));
  if (auto head = read_at<gp_symbol>(record, 0)) {
    head->header = {GP_RECORD_SYMBOL, static_cast<uint32_t>(size)};
    head->runtime = GP_RUNTIME_LUA;
    for (gp_symbol_text* text : {&head->name, &head->file, &head->scope}) text->bytes %= GP_SYMBOL_NAME_MAX + 2;
    head->table_stored %= GP_SYMBOL_TABLE_MAX;
    std::memcpy(record.data(), &*head, sizeof(*head));
    if (const auto symbol = decode_symbol(record)) {
      GP_CHECK(symbol->name.size() <= 4 * 2 * GP_SYMBOL_NAME_MAX + 64);
      for (const uint32_t where : {0U, 1U, 100U, 20000U, ~0U})
        GP_CHECK(line_at(*symbol, where) <= INT32_MAX || symbol->line_table.empty());
    }
  }
  if (const auto version = parse_ident({data, size})) GP_CHECK(!version->text.empty());
  return 0;
}
