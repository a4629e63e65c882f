// An ELF file of foreign bytes: headers, sections, notes, nested images, Go tables and unwind pages.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "elf/unwind_source.h"

using namespace gp;
using namespace gp::elf;

namespace {

constexpr uint64_t kMaxDecompressed = 1U << 20;
constexpr size_t kPages = 8;

void read_all(const Image& image) {
  for (const Section& section : image.sections()) {
    GP_CHECK(image.raw(section).size() <= image.bytes().size());
    if (auto data = image.data(section, kMaxDecompressed)) GP_CHECK(data->owned_bytes() <= kMaxDecompressed);
  }
  for (const OffsetRange& range : image.executable_ranges()) {
    GP_CHECK(range.begin < range.end && range.end.value <= image.bytes().size());
    GP_CHECK(image.to_vaddr(range.begin).has_value());
  }
  (void)image.build_id();
  (void)image.go_build_id();
  (void)image.debug_link();
  (void)image.interpreter();
  (void)image.soname();
  (void)image.is_static();
  (void)image.bytes_at(image.entry());
}

void compile(const Image& image) {
  UnwindSource source(image, &image);
  size_t pages = 0;
  for (const OffsetRange& range : image.executable_ranges()) {
    for (uint64_t page = range.begin.value >> GP_PAGE_SHIFT; page <= (range.end.value - 1) >> GP_PAGE_SHIFT; ++page) {
      if (++pages > kPages) return;
      const UnwindPage compiled = source.compile_page(page);
      GP_CHECK(compiled.rules.size() <= kMaxRules && compiled.rows.size() <= GP_PAGE_SIZE);
      GP_CHECK(std::ranges::is_sorted(compiled.rows, {}, &gp_row::pc));
      for (const gp_row& row : compiled.rows) GP_CHECK(row.rule < compiled.rules.size());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto image = Image::from_memory(std::vector<uint8_t>(data, data + size));
  if (!image) return 0;
  read_all(*image);
  compile(*image);
  if (auto mini = image->mini_debug_image()) read_all(*mini);
  return 0;
}
