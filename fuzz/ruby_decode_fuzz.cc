// What the agent decodes of Ruby's: symbol records, line tables, labels, versions, and the code it searches.
#include "base/check.h"
#include "bpf/abi/ruby.h"
#include "runtimes/ruby/code_symbol.h"
#include "runtimes/ruby/lines.h"
#include "runtimes/ruby/offsets.h"
#include "runtimes/ruby/ruby_runtime.h"
#include "runtimes/testing/endless_memory.h"
#include "symbol_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gp;
  using namespace gp::runtimes::ruby;
  if (size == 0) return 0;
  const Bytes bytes(data, size);
  gp::runtimes::EndlessMemory memory;
  memory.bytes = bytes;

  fuzz::as_symbol_records(bytes, GP_RUNTIME_RUBY, [&](Bytes record) {
    const auto symbol = decode_symbol(record, &memory);
    if (!symbol) return;
    GP_CHECK(symbol->name.size() <= fuzz::kMaxName);
    static_cast<void>(RubyRuntime().line(*symbol, data[0]));
  });
  for (const uint32_t position : {0U, 53U, 54U, 4000000000U, uint32_t{data[0]} * 7})
    static_cast<void>(line_at(complete_lines(bytes, &memory), position));
  static_cast<void>(line_at(bytes, data[0]));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  GP_CHECK(qualified(text, "A", (data[0] & 1) != 0).size() <= size + 2);
  static_cast<void>(version_of(text));
  return 0;
}
