// Makes the recordings the walker is tested with: runs tests/data/lua/workload.lua in a folder that holds a system until
// it waits, walks it, and writes down every piece of memory the walk read, with the stacks the program told.
//
//   gp_record_lua ROOT /usr/bin/luaX.Y tests/data/lua/workload.lua OUTPUT
#include "runtimes/lua/testing/recording.h"
#include "runtimes/testing/process_reader.h"
#include "runtimes/testing/waiting_program.h"

namespace gp::runtimes::lua {
namespace {

int record(const char* root, const char* program, const char* script, const char* output) {
  Recording recording;
  const WaitingProgram waiting(root, program, {}, script);
  waiting.told([&](const std::string& line) { recording.parse_line(line); });

  int result = 1;
  const auto image = elf::Image::open(waiting.executable());
  const auto detected = image ? LuaRuntime().detect(*image, program) : std::nullopt;
  if (detected && detected->supported && !recording.coroutines.empty()) {
    recording.version = targets::layout_of<gp_lua>(detected->entry).version;
    ProcessReader reader;
    reader.pid = waiting.pid();
    reader.into = &recording;
    WalkWorld world;
    world.memory = &reader;
    world.entry = recording.file().entry;
    auto walk = std::make_unique<LuaWalk>();
    walk->run(world, recording.coroutines);
    fmt::print("{} frames told, {} walked, {} symbols\n", recording.frames.size(), walk->state.frames,
               world.shipped.size());
    result = recording.save(output) ? 0 : 1;
  }
  return result;
}

}  // namespace
}  // namespace gp::runtimes::lua

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  return gp::runtimes::lua::record(argv[1], argv[2], argv[3], argv[4]);
}
