// What a stopped PHP had in memory, and the stack it had, so that the walker can be tested without it. Made by
// record_main.cc; memory_pieces.h says what the file looks like.
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "runtimes/php/offsets.h"
#include "runtimes/php/php_runtime.h"
#include "runtimes/testing/memory_pieces.h"
#include "targets/runtime.h"

namespace gp::runtimes::php {

// One frame as PHP itself told it.
struct ToldFrame {
  uint32_t line = 0;
  std::string file;
  std::string name;
};

// Owner thread: whoever made it.
struct Recording final : MemoryPieces {
  uint16_t version = 0;
  uint64_t globals = 0;           // executor_globals in the process
  std::vector<ToldFrame> frames;  // innermost first

  // What detection would have made of its program, at address 0.
  [[nodiscard]] targets::RuntimeFile file() const {
    targets::RuntimeFile file;
    const auto php = offsets_of(version);
    file.supported = php.has_value();
    file.state[kGlobals] = Vaddr{globals};
    file.entry = targets::entry_with(GP_RUNTIME_PHP, php.value_or(gp_php{}));
    return file;
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

  static std::optional<Recording> load(const std::string& path) { return parse(file_bytes(path)); }

  static std::optional<Recording> parse(Bytes bytes) {
    Recording recording;
    if (!recording.parse_file(bytes, [&](const std::string& line) { return recording.parse_line(line); }))
      return std::nullopt;
    return recording;
  }

  [[nodiscard]] bool save(const std::string& path) const {
    std::ofstream out(path, std::ios::binary);
    out << fmt::format("version\t{}\nglobals\t{}\n", version, globals);
    for (const auto& frame : frames) out << fmt::format("frame\t{}\t{}\t{}\n", frame.line, frame.file, frame.name);
    write_pieces(out);
    return static_cast<bool>(out);
  }
};

}  // namespace gp::runtimes::php
