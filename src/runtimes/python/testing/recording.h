// A stopped Python.
#pragma once

#include <array>

#include "runtimes/python/debug_offsets.h"
#include "runtimes/python/offsets.h"
#include "runtimes/python/python_runtime.h"
#include "runtimes/python/version.h"
#include "runtimes/testing/recording.h"

namespace gp::runtimes::python {

struct ToldPythonFrame {
  bool entry = false;  // called by C
  uint32_t line = 0;
  uint32_t first_line = 0;
  std::string file;
  std::string name;

  static ToldPythonFrame parse(std::istringstream& in) {
    ToldPythonFrame frame;
    in >> frame.entry >> frame.line >> frame.first_line;
    in.ignore(1);
    std::getline(in, frame.file, '\t');
    std::getline(in, frame.name);
    return frame;
  }
  [[nodiscard]] std::string text() const {
    return fmt::format("frame\t{}\t{}\t{}\t{}\t{}\n", entry ? 1 : 0, line, first_line, file, name);
  }
};

struct Recording final : RecordingOf<Recording, ToldPythonFrame> {
  targets::RuntimeFile file;  // version and addresses as detected
  uint64_t bias = 0;
  uint64_t thread = 0;  // pthread_self()

  bool parse_value(const std::string& key, std::istringstream& in) {
    if (key == "version") return static_cast<bool>(std::getline(in, file.version));
    uint64_t* value = key == "thread"          ? &thread
                      : key == "runtime"       ? &file.state[kRuntimeState].value
                      : key == "code_type"     ? &file.state[kCodeType].value
                      : key == "instance_type" ? &file.state[kInstanceType].value
                      : key == "bias"          ? &bias
                                               : nullptr;
    return value != nullptr && in >> *value;
  }
  [[nodiscard]] std::string head() const {
    return fmt::format("version\t{}\nruntime\t{}\ncode_type\t{}\ninstance_type\t{}\nbias\t{}\nthread\t{}\n",
                       file.version, file.state[kRuntimeState].value, file.state[kCodeType].value,
                       file.state[kInstanceType].value, bias, thread);
  }
  [[nodiscard]] bool complete() {
    file.kind = GP_RUNTIME_PYTHON;
    file.supported = true;
    return find_offsets();
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
};

}  // namespace gp::runtimes::python
