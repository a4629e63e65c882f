// Makes the recordings the walker is tested with: runs tests/data/lua/workload.lua in a folder that holds a system until
// it waits, walks it, and writes down every piece of memory the walk read, with the stacks the program told.
//
//   gp_record_lua ROOT /usr/bin/luaX.Y tests/data/lua/workload.lua OUTPUT
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "runtimes/lua/testing/recording.h"
#include "runtimes/testing/process_reader.h"

namespace gp::runtimes::lua {
namespace {

// Starts Lua, whose input stays open and empty, and returns what it prints up to "end".
std::string told_by(const char* root, const char* program, pid_t& pid) {
  int input[2];
  int output[2];
  if (pipe(input) != 0 || pipe(output) != 0) return {};
  pid = fork();
  if (pid == 0) {
    dup2(input[0], 0);
    dup2(output[1], 1);
    if (chroot(root) != 0 || chdir("/") != 0) _exit(126);
    execl(program, program, "/tmp/workload.lua", static_cast<char*>(nullptr));
    _exit(127);
  }
  close(output[1]);
  std::string text;
  char byte = 0;
  while (!text.ends_with("\nend\n") && read(output[0], &byte, 1) == 1) text.push_back(byte);
  close(output[0]);
  usleep(200000);  // from its last word to waiting
  return text;
}

int record(const char* root, const char* program, const char* script, const char* output) {
  std::filesystem::copy_file(script, std::string(root) + "/tmp/workload.lua",
                             std::filesystem::copy_options::overwrite_existing);
  Recording recording;
  pid_t pid = 0;
  std::istringstream told(told_by(root, program, pid));
  for (std::string line; std::getline(told, line);) recording.parse_line(line);

  int result = 1;
  const auto image = elf::Image::open(fmt::format("/proc/{}/exe", pid));
  const auto detected = image ? LuaRuntime().detect(*image, program) : std::nullopt;
  if (detected && detected->supported && !recording.coroutines.empty()) {
    recording.version = targets::layout_of<gp_lua>(detected->entry).version;
    ProcessReader reader;
    reader.pid = pid;
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
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return result;
}

}  // namespace
}  // namespace gp::runtimes::lua

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  return gp::runtimes::lua::record(argv[1], argv[2], argv[3], argv[4]);
}
