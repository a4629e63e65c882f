// Makes the recordings the walker is tested with: runs tests/data/perl/workload.pl in a folder that holds a system
// until it waits, walks it, and writes down every piece of memory the walk read, with the stack the program told.
//
//   gp_record_perl ROOT PROGRAM tests/data/perl/workload.pl OUTPUT
#include "runtimes/perl/perl_runtime.h"
#include "runtimes/perl/testing/recording.h"
#include "runtimes/perl/testing/walk.h"
#include "runtimes/testing/process_reader.h"
#include "runtimes/testing/waiting_program.h"

namespace gp::runtimes::perl {
namespace {

// Walks once by what the loop's register holds, and once by the thread. True when both saw as much as was told.
bool walk_both_ways(Recording& recording, const ProcessReader& reader, const gp_runtime_entry& entry) {
  const uint64_t interpreter = recording.interpreter(reader);
  bool all = true;
  for (const gp_drain drain : {GP_DRAIN_NOT, GP_DRAIN_FOR_LATER}) {
    auto walk = std::make_unique<PerlWalk>();
    WalkWorld world;
    world.memory = &reader;
    world.entry = entry;
    walk->state.thread_pointer = recording.thread_pointer;
    if (drain == GP_DRAIN_NOT) walk->set_register(Recording::kRegister, interpreter);
    // So that all JMPENVs are between two activations.
    walk->stack = {1, UINT64_MAX};
    walk->run(world, drain);
    fmt::print("{} frames told, {} walked, {} symbols\n", recording.frames.size(), walk->state.frames,
               world.shipped.size());
    all = all && walk->state.frames == recording.frames.size() + (drain == GP_DRAIN_NOT ? 0U : 1U);
  }
  return all;
}

int record(const char* root, const char* program, const char* script, const char* output) {
  Recording recording;
  const WaitingProgram waiting(root, program, {}, script);
  waiting.told([&](const std::string& line) { recording.parse_line(line); });

  int result = 1;
  const auto image = elf::Image::open(waiting.executable());
  const PerlRuntime runtime;
  const auto detected = image ? runtime.detect(*image, program) : std::nullopt;
  if (detected && detected->supported && recording.frames.size() > 1) {
    const uint64_t bias = waiting.bias(*image);
    const auto perl = targets::layout_of<gp_perl>(detected->entry);
    recording.version = perl.version;
    if (const uint64_t only = detected->state[kOnly].value; only != 0) {
      const std::array<int32_t, kVariables> far = {perl.op,          perl.savestack_ix, perl.statement, perl.stack,
                                                   perl.environment, perl.main,         perl.compiling, perl.runops};
      std::ranges::transform(far, recording.variables.begin(), [&](int32_t distance) {
        return Vaddr{only + bias + static_cast<uint64_t>(int64_t{distance})};
      });
    } else {
      recording.key = detected->state[kThreadKey].value + bias;
      recording.first = detected->state[kFirst].value + bias;
    }
    recording.loop = detected->state[kLoop].value + bias;
    recording.debug_loop = detected->state[kDebugLoop].value + bias;
    recording.thread_pointer = waiting.thread_pointer();
    ProcessReader reader;
    reader.pid = waiting.pid();
    reader.into = &recording;
    if (auto attached = runtime.attach(recording.file(), reader, 0); attached) {
      if (walk_both_ways(recording, reader, *attached) && recording.save(output)) result = 0;
    } else {
      fmt::print("{}\n", attached.error().message());
    }
  }
  return result;
}

}  // namespace
}  // namespace gp::runtimes::perl

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  return gp::runtimes::perl::record(argv[1], argv[2], argv[3], argv[4]);
}
