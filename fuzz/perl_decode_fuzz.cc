// What the agent decodes of Perl's: symbol records and the code of loops.
#include "base/check.h"
#include "runtimes/perl/code_symbol.h"
#include "runtimes/perl/interpreter.h"
#include "symbol_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gp;
  using namespace gp::runtimes::perl;
  fuzz::as_symbol_records({data, size}, GP_RUNTIME_PERL, [](Bytes record) {
    const auto symbol = decode_symbol(record);
    if (!symbol) return;
    GP_CHECK(symbol->name.size() <= fuzz::kMaxName);
  });
  GP_CHECK(interpreter_register({data, size}) < GP_REGS);
  return 0;
}
