// What a stopped Ruby had in memory, and the stack it had, so that the walker can be tested without it. Made by
// record_main.cc; memory_pieces.h says what the file looks like.
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "runtimes/ruby/offsets.h"
#include "runtimes/testing/memory_pieces.h"
#include "targets/runtime.h"

namespace gp::runtimes::ruby {

// One frame as Ruby itself told it; a C function has the place it was called from.
struct ToldFrame {
  uint32_t line = 0;
  std::string file;
  std::string label;
};

// Owner thread: whoever made it.
struct Recording final : MemoryPieces {
  std::string version;            // "3.3.8"
  std::vector<uint64_t> places;   // tls_slot, tls_offset, current, vm, symbols of gp_ruby
  uint64_t thread = 0;            // the thread pointer
  std::vector<ToldFrame> frames;  // innermost first

  // The walker's entry: the recorded addresses with what the version says today.
  [[nodiscard]] std::optional<gp_runtime_entry> entry() const {
    auto ruby = offsets_of(version_number(version));
    if (!ruby || places.size() != 5) return std::nullopt;
    ruby->tls_slot = places[0];
    ruby->tls_offset = places[1];
    ruby->current = places[2];
    ruby->vm = places[3];
    ruby->symbols = places[4];
    return targets::entry_with(GP_RUNTIME_RUBY, *ruby);
  }

  // Lines "frame\t..." of workload.rb; others are ours.
  bool parse_line(const std::string& line) {
    std::istringstream in(line);
    std::string key;
    std::getline(in, key, '\t');
    if (key == "version") return static_cast<bool>(std::getline(in, version));
    if (key == "thread") return static_cast<bool>(in >> thread);
    if (key == "places") {
      for (uint64_t place = 0; in >> place;) places.push_back(place);
      return true;
    }
    if (key != "frame") return false;
    ToldFrame frame;
    in >> frame.line;
    in.ignore(1);
    std::getline(in, frame.file, '\t');
    std::getline(in, frame.label);
    frames.push_back(std::move(frame));
    return true;
  }

  static std::optional<Recording> load(const std::string& path) { return parse(file_bytes(path)); }

  static std::optional<Recording> parse(Bytes bytes) {
    Recording recording;
    if (!recording.parse_file(bytes, [&](const std::string& line) { return recording.parse_line(line); }))
      return std::nullopt;
    return recording;
  }

  [[nodiscard]] bool save(const std::string& path) const {
    std::ofstream out(path, std::ios::binary);
    out << fmt::format("version\t{}\nthread\t{}\nplaces\t{}\n", version, thread, fmt::join(places, " "));
    for (const auto& frame : frames) out << fmt::format("frame\t{}\t{}\t{}\n", frame.line, frame.file, frame.label);
    write_pieces(out);
    return static_cast<bool>(out);
  }
};

}  // namespace gp::runtimes::ruby
