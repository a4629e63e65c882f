// Makes the recordings the walker is tested with: runs tests/data/php/workload.php in a folder that holds a system
// until it waits, walks it, and writes down every piece of memory the walk read, with the stack the program told.
//
//   gp_record_php ROOT PROGRAM tests/data/php/workload.php OUTPUT
#include "runtimes/php/php_runtime.h"
#include "runtimes/php/testing/recording.h"
#include "runtimes/php/testing/walk.h"
#include "runtimes/testing/process_reader.h"
#include "runtimes/testing/waiting_program.h"

namespace gp::runtimes::php {
namespace {

int record(const char* root, const char* program, const char* script, const char* output) {
  Recording recording;
  const WaitingProgram waiting(root, program, {"-n"}, script);
  waiting.told([&](const std::string& line) { recording.parse_line(line); });
  recording.frames.insert(recording.frames.begin(), ToldFrame{.line = 0, .file = {}, .name = "fgets"});

  int result = 1;
  const auto image = elf::Image::open(waiting.executable());
  const PhpRuntime runtime;
  const auto detected = image ? runtime.detect(*image, program) : std::nullopt;
  if (detected && detected->supported && recording.frames.size() > 1) {
    const auto php = targets::layout_of<gp_php>(detected->entry);
    const uint64_t bias = waiting.bias(*image);
    recording.version = php.version;
    if (const uint64_t offset = detected->state[kGlobalsOffset].value; offset != 0) {
      recording.globals_offset = offset + bias;
      recording.cache_distance = php.cache.offset;
      recording.thread_pointer = waiting.thread_pointer();
    } else {
      recording.globals = detected->state[kGlobals].value + bias;
    }
    ProcessReader reader;
    reader.pid = waiting.pid();
    reader.into = &recording;
    if (auto attached = runtime.attach(recording.file(), reader, 0); attached) {
      auto walk = std::make_unique<PhpWalk>();
      WalkWorld world;
      world.memory = &reader;
      world.entry = *attached;
      walk->state.thread_pointer = recording.thread_pointer;
      walk->run(world);
      fmt::print("{} frames told, {} walked, {} symbols\n", recording.frames.size(), walk->state.frames,
                 world.shipped.size());
      result = recording.save(output) ? 0 : 1;
    } else {
      fmt::print("{}\n", attached.error().message());
    }
  }
  return result;
}

}  // namespace
}  // namespace gp::runtimes::php

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  return gp::runtimes::php::record(argv[1], argv[2], argv[3], argv[4]);
}
