// What the agent decodes of LuaJIT's: symbol records, and the packed names in them.
#include "base/check.h"
#include "bpf/abi/luajit.h"
#include "runtimes/lua/luajit_symbol.h"
#include "symbol_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gp;
  using namespace gp::runtimes::lua;
  const Bytes bytes{data, size};
  for (const uint32_t number : {0U, 1U, 200U, ~0U}) {
    GP_CHECK(luajit_local(bytes, number, number).size() <= size);
    GP_CHECK(luajit_upvalue(bytes, number).size() <= size);
  }
  fuzz::as_symbol_records({data, size}, GP_RUNTIME_LUAJIT, [](Bytes record) {
    const auto symbol = decode_luajit_symbol(record);
    if (!symbol) return;
    GP_CHECK(symbol->name.size() <= fuzz::kMaxName + GP_LUAJIT_NAMES_MAX);
  });
  return 0;
}
