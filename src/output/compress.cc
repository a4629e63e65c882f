#include "output/compress.h"

#include <zlib.h>

#include <array>
#include <limits>

#include "base/check.h"

namespace gp::output {

std::string gzip(std::string_view bytes) {
  constexpr int kGzipWindow = 15 + 16;  // the largest window, in gzip's wrapper: zlib.h, deflateInit2
  constexpr int kMemoryLevel = 8;       // zlib's default
  z_stream stream{};
  GP_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) ==
           Z_OK);
  GP_CHECK(bytes.size() <= std::numeric_limits<uInt>::max());
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  std::array<char, 64 * 1024> chunk{};
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    state = deflate(&stream, Z_FINISH);
    out.append(chunk.data(), chunk.size() - stream.avail_out);
  }
  deflateEnd(&stream);
  GP_CHECK(state == Z_STREAM_END);
  return out;
}

}  // namespace gp::output
