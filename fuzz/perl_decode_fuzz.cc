// What the agent decodes of Perl's: symbol records and the code of loops.
#include "base/check.h"
#include "bpf/abi/sample.h"
#include "runtimes/perl/code_symbol.h"
#include "runtimes/perl/interpreter.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gp;
  using namespace gp::runtimes::perl;
  // The record at hand, and one that is whole but for what the bytes say.
  std::vector<uint8_t> record(data, data + size);
  static_cast<void>(decode_symbol(record));
  if (auto head = read_at<gp_symbol>(record, 0)) {
    head->header = {GP_RECORD_SYMBOL, static_cast<uint32_t>(size)};
    head->runtime = GP_RUNTIME_PERL;
    for (gp_symbol_text* text : {&head->name, &head->file, &head->scope}) text->bytes %= GP_SYMBOL_NAME_MAX + 2;
    std::memcpy(record.data(), &*head, sizeof(*head));
    if (const auto symbol = decode_symbol(record)) GP_CHECK(symbol->name.size() <= 4 * 2 * GP_SYMBOL_NAME_MAX + 32);
  }
  GP_CHECK(interpreter_register({data, size}) < GP_REGS);
  return 0;
}
