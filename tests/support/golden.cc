#include "tests/support/golden.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace gp::test {

namespace {

std::string line_around(std::string_view text, size_t position) {
  const size_t before = position == 0 ? std::string_view::npos : text.rfind('\n', position - 1);
  const size_t start = before == std::string_view::npos ? 0 : before + 1;
  return std::string(text.substr(start, std::min<size_t>(text.find('\n', start) - start, 400)));
}

}  // namespace

void expect_golden(const std::string& name, std::string_view bytes) {
  const std::string path = std::string(GP_SOURCE_DIR) + "/tests/golden/" + name;
  if (std::getenv("GP_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << path << " is missing";
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  if (golden == bytes) return;
  const auto differ = std::ranges::mismatch(golden, bytes).in1 - golden.begin();
  const auto position = static_cast<size_t>(differ);
  ADD_FAILURE() << path << ": line " << 1 + std::count(golden.begin(), golden.begin() + differ, '\n')
                << " differs\n  golden: " << line_around(golden, position)
                << "\n  actual: " << line_around(bytes, std::min(position, bytes.size()));
}

std::string gunzip(std::string_view bytes) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);  // gzip only: zlib.h, inflateInit2
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  std::array<char, 4096> chunk{};
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk.data(), chunk.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  EXPECT_EQ(state, Z_STREAM_END);
  return out;
}

}  // namespace gp::test
