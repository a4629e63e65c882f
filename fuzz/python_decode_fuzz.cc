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

namespace {

using namespace gp;
using namespace gp::runtimes::python;

// Reads its own bytes again and again.
struct Memory final : targets::MemoryReader {
  Bytes bytes;

  bool read(Pc address, std::span<uint8_t> to) const override {
    for (size_t at = address.value % bytes.size(), done = 0; done < to.size(); at = 0) {
      const size_t part = std::min(bytes.size() - at, to.size() - done);
      std::memcpy(&to[done], &bytes[at], part);
      done += part;
    }
    return !bytes.empty() && (address.value & 1) == 0;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(data, size);
  Memory memory;
  memory.bytes = bytes;

  // The record at hand, and one that is whole but for what the bytes say.
  std::vector<uint8_t> record(bytes.begin(), bytes.end());
  static_cast<void>(decode_symbol(record, &memory));
  if (auto head = read_at<gp_symbol>(record, 0)) {
    head->header = {GP_RECORD_SYMBOL, static_cast<uint32_t>(size)};
    head->runtime = GP_RUNTIME_PYTHON;
    head->name.bytes %= GP_SYMBOL_NAME_MAX + 2;
    head->file.bytes %= GP_SYMBOL_NAME_MAX + 2;
    std::memcpy(record.data(), &*head, sizeof(*head));
    if (const auto symbol = decode_symbol(record, &memory)) {
      GP_CHECK(symbol->name.size() <= 4 * 2 * GP_SYMBOL_NAME_MAX + 8);
      static_cast<void>(PythonRuntime().line(*symbol, data[0]));
    }
  }
  const auto line = line_of(bytes.subspan(1), data[0], data[0]);
  GP_CHECK(!line || *line > 0);
  if (const auto python = read_debug_offsets(bytes)) GP_CHECK(offsets_are_sane(*python));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  GP_CHECK(module_of(text).size() <= size);
  static_cast<void>(version_in_name(text));
  for (const unsigned width : {1U, 2U, 4U}) GP_CHECK(gp::runtimes::to_utf8(bytes, width).size() <= 3 * size);
  return 0;
}
