// What a stopped interpreter had in memory, and the stack it had, so that its walker can be tested without it: the base of
// LANGUAGE/testing/recording.h. A file has lines of words, tab between, then memory (memory_pieces.h). They are made by
// record_main.cc beside. Owner thread: whoever made it.
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "runtimes/testing/memory_pieces.h"
#include "targets/runtime.h"

namespace gp::runtimes {

// One frame as the interpreter itself told it: a line of tests/data/LANGUAGE/workload.
struct ToldFrame {
  uint32_t line = 0;
  std::string file;
  std::string name;

  // What follows "frame".
  static ToldFrame parse(std::istringstream& in) {
    ToldFrame frame;
    in >> frame.line;
    in.ignore(1);
    std::getline(in, frame.file, '\t');
    std::getline(in, frame.name);
    return frame;
  }
  [[nodiscard]] std::string text() const { return fmt::format("frame\t{}\t{}\t{}\n", line, file, name); }
};

// `Self` has `bool parse_value(const std::string& key, std::istringstream& value)` for its own lines, and `head()`, their
// text. It may have a `complete()` of its own.
template <class Self, class Frame = ToldFrame>
class RecordingOf : public MemoryPieces {
 public:
  std::vector<Frame> frames;  // innermost first

  static std::optional<Self> load(const std::string& path) { return parse(file_bytes(path)); }

  static std::optional<Self> parse(Bytes bytes) {
    Self recording;
    const auto parse_line = [&](const std::string& line) { return recording.parse_line(line); };
    if (!recording.parse_file(bytes, parse_line) || !recording.complete()) return std::nullopt;
    return recording;
  }

  bool parse_line(const std::string& line) {
    std::istringstream in(line);
    std::string key;
    std::getline(in, key, '\t');
    if (key != "frame") return static_cast<Self*>(this)->parse_value(key, in);
    frames.push_back(Frame::parse(in));
    return true;
  }

  [[nodiscard]] bool complete() const { return true; }

  [[nodiscard]] bool save(const std::string& path) const {
    std::ofstream out(path, std::ios::binary);
    out << static_cast<const Self*>(this)->head();
    for (const Frame& frame : frames) out << frame.text();
    write_pieces(out);
    return static_cast<bool>(out);
  }

 private:
  RecordingOf() = default;
  friend Self;
};

}  // namespace gp::runtimes
