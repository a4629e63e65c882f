// Go's function, line and inline tables in an ELF file of foreign bytes.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "elf/go_symbols.h"

using namespace gp;
using namespace gp::elf;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto image = Image::from_memory({data, data + size});
  if (!image) return 0;
  const auto go = GoSymbols::find(*image);
  if (!go) return 0;
  for (const OffsetRange& range : image->executable_ranges()) {
    const uint64_t step = (range.end - range.begin) / 16 + 1;
    for (FileOffset offset = range.begin; offset < range.end; offset = offset + step) {
      const auto address = image->to_vaddr(offset);
      if (address) GP_CHECK(go->lookup(*address).size() <= 65);
    }
  }
  return 0;
}
