// What the agent decodes of PHP's: symbol records and the header that says the version.
#include "base/check.h"
#include "runtimes/php/engine.h"
#include "runtimes/php/function_symbol.h"
#include "symbol_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gp;
  using namespace gp::runtimes::php;
  fuzz::as_symbol_records({data, size}, GP_RUNTIME_PHP, [](Bytes record) {
    const auto symbol = decode_symbol(record);
    if (!symbol) return;
    GP_CHECK(symbol->name.size() <= fuzz::kMaxName);
    GP_CHECK(symbol->name.find('\0') == std::string::npos);
  });
  GP_CHECK(!parse_version({data, size}).text().empty());
  return 0;
}
