// Makes the recordings the walker is tested with: runs tests/data/lua/workload.lua in a folder that holds a system until
// it waits, walks it, and writes down every piece of memory the walk read, with the stacks the program told.
//
//   gp_record_luajit ROOT PROGRAM tests/data/lua/workload.lua OUTPUT
//
// With compiled.lua, which does not wait: stopped in code that LuaJIT compiled.
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

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

// Walks as the recording says; how many frames there were.
size_t walk(const LuajitRecording& recording, const ProcessReader& reader) {
  WalkWorld world;
  world.memory = &reader;
  world.entry = recording.entry();
  const auto walk = recording.walk();
  walk->run(world, recording.activations);
  fmt::print("{} frames told, {} walked, {} symbols\n", recording.frames.size(), walk->state.frames,
             world.shipped.size());
  return walk->state.frames;
}

// Stops the program until it is where all that was told has frames, behind the note that says that code is compiled.
bool record_compiled(LuajitRecording& recording, ProcessReader& reader) {
  constexpr int kTries = 100;
  bool found = false;
  for (int i = 0; i < kTries && !found; ++i) {
    user_regs_struct registers{};
    int status = 0;
    if (ptrace(PTRACE_ATTACH, reader.pid, nullptr, nullptr) != 0 || waitpid(reader.pid, &status, 0) != reader.pid)
      return false;
    recording.pieces.clear();
    recording.activations.clear();
    if (ptrace(PTRACE_GETREGS, reader.pid, nullptr, &registers) == 0) {
      recording.pc = registers.rip;
      recording.r14 = registers.r14;
      recording.activations.push_back(registers.rsp);
      found = walk(recording, reader) == recording.frames.size() + 1;
    }
    ptrace(PTRACE_DETACH, reader.pid, nullptr, nullptr);
    usleep(1000);
  }
  return found;
}

int record(const char* root, const char* program, const char* script, const char* output) {
  LuajitRecording recording;
  const bool compiled = std::string_view(script).ends_with("compiled.lua");
  std::vector<std::string> arguments;
  if (!compiled) arguments.emplace_back("-joff");
  const WaitingProgram waiting(root, program, arguments, script);
  waiting.told([&](const std::string& line) { recording.parse_line(line); });
  const auto image = elf::Image::open(waiting.executable());
  const auto detected = image ? LuajitRuntime().detect(*image, program) : std::nullopt;
  if (!detected || !detected->supported || recording.coroutines.empty()) return 1;
  recording.take(targets::layout_of<gp_luajit>(detected->entry));
  ProcessReader reader;
  reader.pid = waiting.pid();
  reader.into = &recording;
  const gp_luajit lj = recording.layout();
  if (compiled) return record_compiled(recording, reader) && recording.save(output) ? 0 : 1;
  for (const uint64_t state : recording.coroutines) find_activations(reader, lj, state, recording.activations);
  walk(recording, reader);
  return recording.save(output) ? 0 : 1;
}

}  // namespace
}  // namespace gp::runtimes::lua

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  return gp::runtimes::lua::record(argv[1], argv[2], argv[3], argv[4]);
}
