// What a stopped Python had in memory, and the stack it had, so that the walker can be tested without it. Made by
// record_main.cc; memory_pieces.h says what the file looks like.
#pragma once

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "runtimes/python/debug_offsets.h"
#include "runtimes/python/offsets.h"
#include "runtimes/python/python_runtime.h"
#include "runtimes/python/version.h"
#include "runtimes/testing/memory_pieces.h"
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
struct Recording final : MemoryPieces {
  targets::RuntimeFile file;  // version and addresses as detected
  uint64_t bias = 0;
  uint64_t thread = 0;            // pthread_self()
  std::vector<ToldFrame> frames;  // innermost first

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

  static std::optional<Recording> load(const std::string& path) { return parse(file_bytes(path)); }

  static std::optional<Recording> parse(Bytes bytes) {
    Recording recording;
    recording.file.kind = GP_RUNTIME_PYTHON;
    recording.file.supported = true;
    const bool parsed =
        recording.parse_file(bytes, [&](const std::string& line) { return recording.parse_line(line); });
    if (!parsed || !recording.find_offsets()) return std::nullopt;
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
    write_pieces(out);
    return static_cast<bool>(out);
  }
};

}  // namespace gp::runtimes::python
