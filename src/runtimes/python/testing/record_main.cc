// Makes the recordings the walker is tested with: runs tests/data/python/workload.py until it stops itself, walks it,
// and writes down every piece of memory the walk read, with the stack the program told. See recording.h. Paths end up
// in the recording, so run a copy of the script:
//
//   gp_record_python PYTHON /tmp/workload.py main|thread|subinterpreter OUTPUT
#include "runtimes/python/python_runtime.h"
#include "runtimes/python/testing/recording.h"
#include "runtimes/python/testing/stopped.h"
#include "runtimes/python/testing/walk.h"
#include "runtimes/testing/process_reader.h"

namespace gp::runtimes::python {
namespace {

// Has the recording keep what its offsets are read from.
bool recording_has_offsets(const ProcessReader& reader, Recording& recording) {
  std::array<uint8_t, kDebugOffsetsBytes> described{};
  const bool by_itself = !offsets_of(version_in_name("python" + recording.file.version).number);
  return !by_itself || reader.read(Pc{recording.file.state[kRuntimeState].value + recording.bias}, described);
}

int record(const char* python, const char* script, const char* mode, const char* output) {
  Recording recording;
  pid_t pid = 0;
  std::istringstream told(output_until_stop(python, script, mode, pid));
  std::string line;
  while (std::getline(told, line)) recording.parse_line(line);

  ProcessReader reader;
  reader.pid = pid;
  reader.into = &recording;
  int result = 1;
  if (!recording.frames.empty() && find_runtime(pid, recording.file, recording.bias) &&
      recording_has_offsets(reader, recording)) {
    const PythonRuntime runtime;
    if (auto attached = runtime.attach(recording.file, reader, recording.bias); attached) {
      auto walk = std::make_unique<PythonWalk>();
      WalkWorld world;
      world.memory = &reader;
      world.entry = *attached;
      walk->run(world, recording.thread);
      for (const auto& symbol : world.shipped) static_cast<void>(runtime.decode(symbol, &reader));
      fmt::print("{} frames told, {} walked, {} symbols\n", recording.frames.size(), walk->state.frames,
                 world.shipped.size());
      result = recording.save(output) ? 0 : 1;
    } else {
      fmt::print("{}\n", attached.error().message());
    }
  }
  end_stopped(pid);
  return result;
}

}  // namespace
}  // namespace gp::runtimes::python

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  return gp::runtimes::python::record(argv[1], argv[2], argv[3], argv[4]);
}
