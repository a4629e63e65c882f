// Pieces of a process' memory behind lines of text, in one file, so that walkers can be tested without the process. The
// text ends with an empty line; each piece is its address and size (8 bytes each) and its bytes.
// Owner thread: whoever made it.
#pragma once

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "targets/runtime.h"

namespace gp::runtimes {

struct MemoryPieces : targets::MemoryReader {
  mutable std::map<uint64_t, std::vector<uint8_t>> pieces;  // by address

  // Joins pieces that lie side by side.
  bool read(Pc address, std::span<uint8_t> to) const override {
    while (!to.empty()) {
      const Bytes part = from(address.value);
      if (part.empty()) return false;
      const size_t size = std::min(part.size(), to.size());
      std::memcpy(to.data(), part.data(), size);
      to = to.subspan(size);
      address = address + size;
    }
    return true;
  }

  void add(uint64_t address, Bytes bytes) const {
    auto& piece = pieces[address];
    if (piece.size() < bytes.size()) piece.assign(bytes.begin(), bytes.end());
  }

  // Hands each line of text to `parse_line` and keeps the pieces. False when one is refused, or there are none.
  template <class ParseLine>
  bool parse_file(Bytes bytes, ParseLine parse_line) {
    size_t at = 0;
    std::string line;
    do {
      line.clear();
      while (at < bytes.size() && bytes[at] != '\n') line.push_back(static_cast<char>(bytes[at++]));
      ++at;
      if (!line.empty() && !parse_line(line)) return false;
    } while (!line.empty());
    ByteReader reader(bytes, at);
    while (reader.remaining() > 0) {
      const auto address = reader.read<uint64_t>();
      const Bytes piece = reader.take(reader.read<uint64_t>());
      if (!reader.ok()) return false;
      add(address, piece);
    }
    return !pieces.empty();
  }

  // The empty line and the pieces.
  void write_pieces(std::ostream& out) const {
    out << '\n';
    for (const auto& [address, bytes] : pieces) {
      const uint64_t head[] = {address, bytes.size()};
      out.write(reinterpret_cast<const char*>(head), sizeof(head));
      out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
  }

 private:
  // What the nearest piece that holds `address` has from there on.
  [[nodiscard]] Bytes from(uint64_t address) const {
    constexpr uint64_t kMaxPiece = 1U << 20U;
    auto piece = pieces.upper_bound(address);
    while (piece != pieces.begin()) {
      --piece;
      const uint64_t into = address - piece->first;
      if (into < piece->second.size()) return Bytes(piece->second).subspan(into);
      if (into > kMaxPiece) break;
    }
    return {};
  }
};

inline std::vector<uint8_t> file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace gp::runtimes
