// /proc/kallsyms and /proc/modules of foreign bytes, split at the first NUL.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/line_cutter.h"
#include "symbols/kallsyms.h"

using namespace gp;
using namespace gp::symbols;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string_view modules = text.substr(0, text.find('\0'));
  const std::string_view symbols = text.substr(modules.size() == size ? size : modules.size() + 1);
  KallsymsTable table;
  const auto read = [&](std::string_view part, auto&& add) {
    LineCutter cutter(KallsymsTable::kMaxLineBytes, [&](std::string_view line) {
      add(line);
      return true;
    });
    for (; !part.empty(); part.remove_prefix(std::min<size_t>(part.size(), 100))) cutter.feed(part.substr(0, 100));
    cutter.finish();
  };
  read(modules, [&](std::string_view line) { table.add_module_line(line); });
  read(symbols, [&](std::string_view line) { table.add_line(line); });
  table.finish();
  for (const uint64_t pc : {uint64_t{0}, uint64_t{0xffffffff81000010}, uint64_t{0xffffffffc0001010}, UINT64_MAX})
    if (const auto symbol = table.find({pc})) GP_CHECK(!symbol->name.empty() && symbol->name.size() <= size);
  return 0;
}
