// What the agent decodes of Ruby's: symbol records, line tables, labels, versions, and the code it searches.
#include "base/check.h"
#include "bpf/abi/ruby.h"
#include "runtimes/ruby/code_symbol.h"
#include "runtimes/ruby/lines.h"
#include "runtimes/ruby/offsets.h"
#include "runtimes/ruby/ruby_runtime.h"

namespace {

using namespace gp;
using namespace gp::runtimes::ruby;

// Reads its own bytes again and again.
struct Memory final : targets::MemoryReader {
  Bytes bytes;

  bool read(Pc address, std::span<uint8_t> to) const override {
    for (size_t at = address.value % bytes.size(), done = 0; done < to.size(); at = 0) {
      const size_t part = std::min(bytes.size() - at, to.size() - done);
      std::memcpy(&to[done], &bytes[at], part);
      done += part;
    }
    return (address.value & 1) == 0;
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
    head->runtime = GP_RUNTIME_RUBY;
    head->name.bytes %= GP_SYMBOL_NAME_MAX + 2;
    head->file.bytes %= GP_SYMBOL_NAME_MAX + 2;
    head->scope.bytes %= GP_SYMBOL_NAME_MAX + 2;
    std::memcpy(record.data(), &*head, sizeof(*head));
    if (const auto symbol = decode_symbol(record, &memory)) {
      GP_CHECK(symbol->name.size() <= 4 * 2 * GP_SYMBOL_NAME_MAX + 32);
      static_cast<void>(RubyRuntime().line(*symbol, data[0]));
    }
  }
  for (const uint32_t position : {0U, 53U, 54U, 4000000000U, uint32_t{data[0]} * 7})
    static_cast<void>(line_at(complete_lines(bytes, &memory), position));
  static_cast<void>(line_at(bytes, data[0]));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  GP_CHECK(qualified(text, "A", (data[0] & 1) != 0).size() <= size + 2);
  static_cast<void>(version_number(text));
  return 0;
}
