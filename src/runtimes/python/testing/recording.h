// Pieces of a stopped interpreter's memory with the stack it had, so that the walker can be tested without it. Made
// by record_main.cc. The file is text up to an empty line, then the pieces: address and size (8 bytes each), bytes.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "runtimes/python/debug_offsets.h"
#include "runtimes/python/offsets.h"
#include "runtimes/python/python_runtime.h"
#include "runtimes/python/version.h"
#include "targets/runtime.h"

namespace gp::runtimes::python {

// One frame as Python itself told it.
struct ToldFrame {
  bool entry = false;  // called by C
  uint32_t line = 0;
  uint32_t first_line = 0;
  std::string file;
  std::string name;
};

// Owner thread: whoever made it.
struct Recording final : targets::MemoryReader {
  targets::RuntimeFile file;  // version and addresses as detected
  uint64_t bias = 0;
  uint64_t thread = 0;            // pthread_self()
  std::vector<ToldFrame> frames;  // innermost first
  mutable std::map<uint64_t, std::vector<uint8_t>> pieces;

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

  // Lines "thread\t..." and "frame\t..." of workload.py; others are ours.
  bool parse_line(const std::string& line) {
    std::istringstream in(line);
    std::string key;
    std::getline(in, key, '\t');
    if (key == "thread") return static_cast<bool>(in >> thread);
    if (key == "version") return static_cast<bool>(std::getline(in, file.version));
    if (key == "runtime") return static_cast<bool>(in >> file.state[kRuntimeState].value);
    if (key == "code_type") return static_cast<bool>(in >> file.state[kCodeType].value);
    if (key == "instance_type") return static_cast<bool>(in >> file.state[kInstanceType].value);
    if (key == "bias") return static_cast<bool>(in >> bias);
    if (key != "frame") return false;
    ToldFrame frame;
    in >> frame.entry >> frame.line >> frame.first_line;
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
    recording.file.kind = GP_RUNTIME_PYTHON;
    recording.file.supported = true;
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
    if (recording.pieces.empty() || !recording.find_offsets()) return std::nullopt;
    return recording;
  }

  // As PythonRuntime::detect() does in the file: by the version, else from what the interpreter says of itself.
  [[nodiscard]] bool find_offsets() {
    const uint16_t version = version_in_name("python" + file.version).number;
    auto python = offsets_of(version);
    std::array<uint8_t, kDebugOffsetsBytes> described{};
    if (!python && read(Pc{file.state[kRuntimeState].value + bias}, described)) {
      if (auto read = read_debug_offsets(described)) python = *read;
    }
    if (python) file.entry = targets::entry_with(GP_RUNTIME_PYTHON, *python);
    return python.has_value();
  }

  [[nodiscard]] bool save(const std::string& path) const {
    std::ofstream out(path, std::ios::binary);
    out << fmt::format("version\t{}\nruntime\t{}\ncode_type\t{}\ninstance_type\t{}\nbias\t{}\nthread\t{}\n",
                       file.version, file.state[kRuntimeState].value, file.state[kCodeType].value,
                       file.state[kInstanceType].value, bias, thread);
    for (const auto& frame : frames)
      out << fmt::format("frame\t{}\t{}\t{}\t{}\t{}\n", frame.entry ? 1 : 0, frame.line, frame.first_line, frame.file,
                         frame.name);
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

}  // namespace gp::runtimes::python
