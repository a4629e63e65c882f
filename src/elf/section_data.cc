#include "elf/section_data.h"

#include <elf.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <limits>

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2  // gABI 4.3 draft; missing from glibc's elf.h before 2.37
#endif

namespace gp::elf {
namespace {

constexpr uint64_t kZlibMaxRatio = 1032;  // a deflate stream cannot expand further (zlib technical notes)
constexpr uint64_t kXzMemoryLimit = uint64_t{128} << 20;  // decoder state: xz -9 needs 65 MiB (xz(1))

std::unexpected<Error> too_large(uint64_t size) {
  return fail(ErrorCode::kLimit, fmt::format("section of {} bytes is too large to decompress", size));
}

// Memory that is not touched before it is written.
std::unique_ptr<uint8_t[]> untouched(uint64_t size) {
  return std::unique_ptr<uint8_t[]>(new uint8_t[std::max<uint64_t>(size, 1)]);
}

Result<SectionData> inflate_all(Bytes stream, uint64_t size, uint64_t max_bytes) {
  if (size > max_bytes) return too_large(size);
  if (size / kZlibMaxRatio > stream.size() || stream.size() > std::numeric_limits<uInt>::max())
    return fail(ErrorCode::kMalformed, "implausible size of a zlib section");
  auto out = untouched(size);
  uLongf written = size;
  if (uncompress(out.get(), &written, stream.data(), stream.size()) != Z_OK || written != size)
    return fail(ErrorCode::kMalformed, "broken zlib section");
  return SectionData(std::move(out), static_cast<size_t>(size));
}

Result<SectionData> unzstd_all(Bytes stream, uint64_t size, uint64_t max_bytes) {
  if (size > max_bytes) return too_large(size);
  auto out = untouched(size);
  const size_t written = ZSTD_decompress(out.get(), size, stream.data(), stream.size());
  if (ZSTD_isError(written) != 0 || written != size) return fail(ErrorCode::kMalformed, "broken zstd section");
  return SectionData(std::move(out), static_cast<size_t>(size));
}

struct XzStream {
  lzma_stream stream = LZMA_STREAM_INIT;
  XzStream() = default;
  XzStream(const XzStream&) = delete;
  XzStream& operator=(const XzStream&) = delete;
  ~XzStream() { lzma_end(&stream); }
};

}  // namespace

Result<SectionData> decompress_section(Bytes raw, uint64_t max_bytes) {
  const auto header = read_at<Elf64_Chdr>(raw, 0);
  if (!header) return fail(ErrorCode::kMalformed, "compressed section without a header");
  const Bytes stream = raw.subspan(sizeof(Elf64_Chdr));
  if (header->ch_type == ELFCOMPRESS_ZLIB) return inflate_all(stream, header->ch_size, max_bytes);
  if (header->ch_type == ELFCOMPRESS_ZSTD) return unzstd_all(stream, header->ch_size, max_bytes);
  return fail(ErrorCode::kUnsupported, fmt::format("section compression {}", header->ch_type));
}

Result<SectionData> decompress_zdebug(Bytes raw, uint64_t max_bytes) {
  constexpr size_t kHeader = 12;
  if (raw.size() < kHeader || std::memcmp(raw.data(), "ZLIB", 4) != 0)
    return fail(ErrorCode::kMalformed, "no .zdebug header");
  uint64_t size = 0;
  for (size_t i = 4; i < kHeader; ++i) size = size << 8U | raw[i];
  return inflate_all(raw.subspan(kHeader), size, max_bytes);
}

Result<SectionData> decompress_xz(Bytes raw, uint64_t max_bytes) {
  XzStream xz;
  if (lzma_stream_decoder(&xz.stream, kXzMemoryLimit, 0) != LZMA_OK) return fail(ErrorCode::kSystem, "start xz");
  uint64_t capacity = std::clamp<uint64_t>(uint64_t{raw.size()} * 4, 1 << 16, max_bytes);
  auto out = untouched(capacity);
  xz.stream.next_in = raw.data();
  xz.stream.avail_in = raw.size();
  for (;;) {
    const uint64_t done = xz.stream.total_out;
    xz.stream.next_out = out.get() + done;
    xz.stream.avail_out = capacity - done;
    const lzma_ret status = lzma_code(&xz.stream, LZMA_FINISH);
    if (status == LZMA_STREAM_END) return SectionData(std::move(out), xz.stream.total_out);
    if (status != LZMA_OK || xz.stream.avail_out != 0) return fail(ErrorCode::kMalformed, "broken xz data");
    if (capacity >= max_bytes) return too_large(capacity);
    const uint64_t larger = std::min(capacity * 2, max_bytes);
    auto grown = untouched(larger);
    std::memcpy(grown.get(), out.get(), capacity);
    out = std::move(grown);
    capacity = larger;
  }
}

}  // namespace gp::elf
