// What the agent decodes of Python's: symbol records, location tables, the interpreter's description of itself.
#include "base/check.h"
#include "runtimes/python/code_symbol.h"
#include "runtimes/python/debug_offsets.h"
#include "runtimes/python/line_table.h"
#include "runtimes/python/location_table.h"
#include "runtimes/python/offsets.h"
#include "runtimes/python/python_runtime.h"
#include "runtimes/python/version.h"
#include "runtimes/symbol_record.h"
#include "runtimes/testing/endless_memory.h"
#include "symbol_record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gp;
  using namespace gp::runtimes::python;
  if (size == 0) return 0;
  const Bytes bytes(data, size);
  gp::runtimes::EndlessMemory memory;
  memory.bytes = bytes;

  fuzz::as_symbol_records(bytes, GP_RUNTIME_PYTHON, [&](Bytes record) {
    const auto symbol = decode_symbol(record, &memory);
    if (!symbol) return;
    GP_CHECK(symbol->name.size() <= fuzz::kMaxName);
    static_cast<void>(PythonRuntime().line(*symbol, data[0]));
  });
  const auto line = line_of(bytes.subspan(1), data[0], data[0]);
  GP_CHECK(!line || *line > 0);
  if (const auto python = read_debug_offsets(bytes)) GP_CHECK(offsets_are_sane(*python));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  GP_CHECK(module_of(text).size() <= size);
  static_cast<void>(version_in_name(text));
  for (const unsigned width : {1U, 2U, 4U}) GP_CHECK(gp::runtimes::to_utf8(bytes, width).size() <= 3 * size);
  return 0;
}
