// What a stopped Perl had in memory, and the stack it had, so that the walker can be tested without it. Made by
// record_main.cc; memory_pieces.h says what the file looks like.
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "runtimes/perl/offsets.h"
#include "runtimes/perl/perl_runtime.h"
#include "runtimes/testing/memory_pieces.h"
#include "targets/runtime.h"

namespace gp::runtimes::perl {

// One frame as Perl itself told it.
struct ToldFrame {
  uint32_t line = 0;
  std::string file;
  std::string name;
};

// Owner thread: whoever made it.
struct Recording final : MemoryPieces {
  uint16_t version = 0;
  uint64_t key = 0;         // PL_thr_key in the process
  uint64_t first = 0;       // PL_curinterp
  uint64_t loop = 0;        // Perl_runops_standard
  uint64_t debug_loop = 0;  // Perl_runops_debug
  uint64_t thread_pointer = 0;
  std::vector<ToldFrame> frames;  // innermost first

  // What detection would have made of its program, at address 0.
  [[nodiscard]] targets::RuntimeFile file() const {
    targets::RuntimeFile file;
    auto perl = offsets_of(static_cast<uint8_t>(version));
    file.supported = perl.has_value();
    file.state[kThreadKey] = Vaddr{key};
    file.state[kFirst] = Vaddr{first};
    file.state[kLoop] = Vaddr{loop};
    file.state[kDebugLoop] = Vaddr{debug_loop};
    if (perl) perl->loop_register[0] = kRegister;
    file.entry = targets::entry_with(GP_RUNTIME_PERL, perl.value_or(gp_perl{}));
    return file;
  }
  static constexpr uint16_t kRegister = 3;  // rbx

  // Lines "frame\t..." of workload.pl; others are ours.
  bool parse_line(const std::string& line) {
    std::istringstream in(line);
    std::string key_word;
    std::getline(in, key_word, '\t');
    if (key_word == "version") return static_cast<bool>(in >> version);
    if (key_word == "addresses") return static_cast<bool>(in >> key >> first >> loop >> debug_loop >> thread_pointer);
    if (key_word != "frame") return false;
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
    out << fmt::format("version\t{}\naddresses\t{} {} {} {} {}\n", version, key, first, loop, debug_loop,
                       thread_pointer);
    for (const auto& frame : frames) out << fmt::format("frame\t{}\t{}\t{}\n", frame.line, frame.file, frame.name);
    write_pieces(out);
    return static_cast<bool>(out);
  }
};

}  // namespace gp::runtimes::perl
