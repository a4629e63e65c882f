// Pieces of an interpreter's memory with the stack it had, so that the walker can be tested without it. Made by
// record_main.cc. The file is text up to an empty line, then the pieces: address and size (8 bytes each), bytes.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "runtimes/php/offsets.h"
#include "runtimes/php/php_runtime.h"
#include "targets/runtime.h"

namespace gp::runtimes::php {

// One frame as PHP itself told it.
struct ToldFrame {
  uint32_t line = 0;
  std::string file;
  std::string name;
};

// Owner thread: whoever made it.
struct Recording final : targets::MemoryReader {
  uint16_t version = 0;
  uint64_t globals = 0;           // executor_globals in the process
  std::vector<ToldFrame> frames;  // innermost first
  mutable std::map<uint64_t, std::vector<uint8_t>> pieces;

  // What detection would have made of its program, at address 0.
  [[nodiscard]] targets::RuntimeFile file() const {
    targets::RuntimeFile file;
    const auto php = offsets_of(version);
    file.supported = php.has_value();
    file.state[kGlobals] = Vaddr{globals};
    file.entry = targets::entry_with(GP_RUNTIME_PHP, php.value_or(gp_php{}));
    return file;
  }

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

  // Lines "frame\t..." of workload.php; others are ours.
  bool parse_line(const std::string& line) {
    std::istringstream in(line);
    std::string key;
    std::getline(in, key, '\t');
    if (key == "version") return static_cast<bool>(in >> version);
    if (key == "globals") return static_cast<bool>(in >> globals);
    if (key != "frame") return false;
    ToldFrame frame;
    in >> frame.line;
    in.ignore(1);
    std::getline(in, frame.file, '\t');
    std::getline(in, frame.name);
    frames.push_back(std::move(frame));
    return true;
  }

  static std::optional<Recording> load(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    return parse(Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  }

  static std::optional<Recording> parse(Bytes bytes) {
    Recording recording;
    size_t at = 0;
    std::string line;
    do {
      line.clear();
      while (at < bytes.size() && bytes[at] != '\n') line.push_back(static_cast<char>(bytes[at++]));
      ++at;
      if (!line.empty() && !recording.parse_line(line)) return std::nullopt;
    } while (!line.empty());
    ByteReader reader(bytes, at);
    while (reader.remaining() > 0) {
      const auto address = reader.read<uint64_t>();
      const Bytes piece = reader.take(reader.read<uint64_t>());
      if (!reader.ok()) return std::nullopt;
      recording.add(address, piece);
    }
    return recording.pieces.empty() ? std::nullopt : std::optional(std::move(recording));
  }

  [[nodiscard]] bool save(const std::string& path) const {
    std::ofstream out(path, std::ios::binary);
    out << fmt::format("version\t{}\nglobals\t{}\n", version, globals);
    for (const auto& frame : frames) out << fmt::format("frame\t{}\t{}\t{}\n", frame.line, frame.file, frame.name);
    out << '\n';
    for (const auto& [address, bytes] : pieces) {
      const uint64_t head[] = {address, bytes.size()};
      out.write(reinterpret_cast<const char*>(head), sizeof(head));
      out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    return static_cast<bool>(out);
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

}  // namespace gp::runtimes::php
