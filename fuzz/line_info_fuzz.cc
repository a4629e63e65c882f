// Debug information of foreign bytes, through libdw.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "elf/line_info.h"

using namespace gp;
using namespace gp::elf;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto image = Image::from_memory({data, data + size});
  if (!image) return 0;
  auto lines = LineInfo::open(*image);
  if (!lines) return 0;
  for (const OffsetRange& range : image->executable_ranges()) {
    const uint64_t step = (range.end - range.begin) / 16 + 1;
    for (FileOffset offset = range.begin; offset < range.end; offset = offset + step) {
      const auto address = image->to_vaddr(offset);
      if (address) GP_CHECK(lines->lookup(*address).size() <= 65);
    }
  }
  return 0;
}
