// What the agent decodes of PHP's: symbol records and the header that says the version.
#include "base/check.h"
#include "bpf/abi/sample.h"
#include "runtimes/php/engine.h"
#include "runtimes/php/function_symbol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gp;
  using namespace gp::runtimes::php;
  // The record at hand, and one that is whole but for what the bytes say.
  std::vector<uint8_t> record(data, data + size);
  static_cast<void>(decode_symbol(record));
  if (auto head = read_at<gp_symbol>(record, 0)) {
    head->header = {GP_RECORD_SYMBOL, static_cast<uint32_t>(size)};
    head->runtime = GP_RUNTIME_PHP;
    for (gp_symbol_text* text : {&head->name, &head->file, &head->scope}) text->bytes %= GP_SYMBOL_NAME_MAX + 2;
    std::memcpy(record.data(), &*head, sizeof(*head));
    if (const auto symbol = decode_symbol(record)) {
      GP_CHECK(symbol->name.size() <= 4 * 2 * GP_SYMBOL_NAME_MAX + 32);
      GP_CHECK(symbol->name.find('\0') == std::string::npos);
    }
  }
  GP_CHECK(!parse_version({data, size}).text().empty());
  return 0;
}
