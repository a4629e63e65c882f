// What the agent decodes of Lua's: symbol records with their lines, and the notice that says the version.
#include "base/check.h"
#include "runtimes/lua/function_symbol.h"
#include "runtimes/lua/ident.h"
#include "runtimes/lua/lines.h"
#include "symbol_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gp;
  using namespace gp::runtimes::lua;
  fuzz::as_symbol_records({data, size}, GP_RUNTIME_LUA, [](Bytes record) {
    const auto symbol = decode_symbol(record);
    if (!symbol) return;
    GP_CHECK(symbol->name.size() <= fuzz::kMaxName);
    for (const uint32_t where : {0U, 1U, 100U, 20000U, ~0U})
      GP_CHECK(line_at(*symbol, where) <= INT32_MAX || symbol->line_table.empty());
  });
  if (const auto version = parse_ident({data, size})) GP_CHECK(!version->text.empty());
  return 0;
}
