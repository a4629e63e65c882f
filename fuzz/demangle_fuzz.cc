// Symbol names of foreign bytes, one a line.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "symbols/demangle.h"

using namespace gp;
using namespace gp::symbols;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const std::string_view name = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(name.size() + 1, text.size()));
    const std::string_view raw = name.substr(0, name.find('\0'));
    const std::string readable = demangle(raw);
    GP_CHECK(readable.empty() == raw.empty());
    GP_CHECK(readable.size() <= std::max(kMaxDemangledBytes + 4, raw.size()));
  }
  return 0;
}
