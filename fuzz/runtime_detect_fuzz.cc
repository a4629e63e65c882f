// Whether an ELF file of foreign bytes holds an interpreter, or what compiles code: each runtime looks at it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "runtimes/runtimes.h"

using namespace gp;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto image = elf::Image::from_memory(std::vector<uint8_t>(data, data + size));
  if (!image) return 0;
  for (const targets::Runtime* runtime : runtimes::all()) {
    const auto file = runtime->detect(*image, "/usr/bin/program");
    if (!file) continue;
    for (const auto& range : file->eval) GP_CHECK(range.empty() || range.end.value <= size);
    if (file->supported) GP_CHECK(runtime->kind() >= GP_RUNTIMES_WITH_FRAMES || !file->eval[0].empty());
  }
  return 0;
}
