// Makes the recordings the walker is tested with: runs tests/data/lua/workload.lua in a folder that holds a system until
// it waits, walks it, and writes down every piece of memory the walk read, with the stacks the program told.
//
//   gp_record_luajit ROOT PROGRAM tests/data/lua/workload.lua OUTPUT
#include "runtimes/lua/testing/luajit_recording.h"
#include "runtimes/testing/process_reader.h"
#include "runtimes/testing/waiting_program.h"
#include "runtimes/testing/walked.h"

namespace gp::runtimes::lua {
namespace {

// The C frames of a coroutine's activations, newest first: each has the one before at SAVE_CFRAME (lj_frame.h).
void find_activations(const ProcessReader& reader, const gp_luajit& lj, uint64_t state, std::vector<uint64_t>& out) {
  constexpr uint64_t kSaved = 32;
  constexpr size_t kMax = 64;
  for (uint64_t frame = word_at(reader, state + lj.state_cframe) & ~3ULL; frame != 0 && out.size() < kMax;
       frame = word_at(reader, frame + kSaved) & ~3ULL)
    out.push_back(frame);
}

int record(const char* root, const char* program, const char* script, const char* output) {
  LuajitRecording recording;
  const WaitingProgram waiting(root, program, {"-joff"}, script);
  waiting.told([&](const std::string& line) { recording.parse_line(line); });
  const auto image = elf::Image::open(waiting.executable());
  const auto detected = image ? LuajitRuntime().detect(*image, program) : std::nullopt;
  if (!detected || !detected->supported || recording.coroutines.empty()) return 1;
  recording.take(targets::layout_of<gp_luajit>(detected->entry));
  ProcessReader reader;
  reader.pid = waiting.pid();
  reader.into = &recording;
  const gp_luajit lj = recording.layout();
  for (const uint64_t state : recording.coroutines) find_activations(reader, lj, state, recording.activations);
  WalkWorld world;
  world.memory = &reader;
  world.entry = recording.entry();
  auto walk = std::make_unique<LuajitWalk>();
  walk->state.registers.is_return = 1;
  walk->state.found.file = 1;
  walk->run(world, recording.activations);
  fmt::print("{} frames told, {} walked, {} symbols\n", recording.frames.size(), walk->state.frames,
             world.shipped.size());
  return recording.save(output) ? 0 : 1;
}

}  // namespace
}  // namespace gp::runtimes::lua

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  return gp::runtimes::lua::record(argv[1], argv[2], argv[3], argv[4]);
}
