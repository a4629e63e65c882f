// Call frame information of a section of foreign bytes: the index over it and the rows of a few pages.
// Byte 0: .debug_frame (odd) or .eh_frame; bytes 1-2: page to begin with; the rest: the section.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "elf/cfi_source.h"

using namespace gp;
using namespace gp::elf;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader reader(Bytes(data, size));
  const bool is_debug_frame = (reader.read<uint8_t>() & 1U) != 0;
  const uint64_t first_page = reader.read<uint16_t>();
  const FrameSection section{reader.take(reader.remaining()), {0x400000}, is_debug_frame};
  CfiSource source(section, FdeIndex::from_section(section));
  RowBuilder builder;
  for (uint64_t page = first_page; page < first_page + 4; ++page) {
    builder.start();
    source.start_page();
    const Vaddr begin{page << GP_PAGE_SHIFT};
    const Vaddr end = begin + GP_PAGE_SIZE;
    PageRows rows(builder, begin);
    source.seek(begin);
    for (Vaddr at = begin; at < end;) {
      const auto span = source.next(at, end);
      if (!span) break;
      GP_CHECK(span->end > at && span->begin < end);
      source.emit(std::max(at, span->begin), std::min(span->end, end), rows);
      at = std::min(span->end, end);
    }
    const UnwindPage compiled = builder.finish();
    for (const gp_row& row : compiled.rows) GP_CHECK(row.rule < compiled.rules.size());
  }
  return 0;
}
