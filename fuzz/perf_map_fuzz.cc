// A perf map of foreign bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/line_cutter.h"
#include "symbols/perf_map.h"

using namespace gp;
using namespace gp::symbols;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  JitRanges ranges;
  LineCutter cutter(JitRanges::kMaxLineBytes, [&](std::string_view line) {
    ranges.add_line(line);
    return true;
  });
  cutter.feed({reinterpret_cast<const char*>(data), size});
  cutter.finish();
  for (const uint64_t pc : {uint64_t{0}, uint64_t{0x1000}, uint64_t{0x7f0000001010}, UINT64_MAX})
    if (const auto name = ranges.find(pc)) GP_CHECK(!name->empty() && name->size() <= size);
  GP_CHECK(ranges.size() <= size / 5);  // "0 1 x" is the shortest line
  return 0;
}
