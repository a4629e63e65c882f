// Makes the recordings the walker is tested with: runs tests/data/php/workload.php in a folder that holds a system
// until it waits, walks it, and writes down every piece of memory the walk read, with the stack the program told.
//
//   gp_record_php ROOT PROGRAM tests/data/php/workload.php OUTPUT
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "runtimes/php/php_runtime.h"
#include "runtimes/php/testing/recording.h"
#include "runtimes/php/testing/walk.h"
#include "runtimes/testing/process_reader.h"

namespace gp::runtimes::php {
namespace {

// Where the program lies: its first executable mapping. Lines of /proc/PID/maps are "start-end flags offset device
// inode path" (proc(5)).
uint64_t bias_of(pid_t pid, const elf::Image& image) {
  const auto program = std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid)).string();
  std::ifstream maps(fmt::format("/proc/{}/maps", pid));
  for (std::string line; std::getline(maps, line);) {
    uint64_t start = 0;
    uint64_t offset = 0;
    std::string rest, flags;
    std::istringstream in(line);
    in >> std::hex >> start >> rest >> flags >> offset;
    const auto vaddr = image.to_vaddr(FileOffset{offset});
    if (line.ends_with(program) && flags.size() > 2 && flags[2] == 'x' && vaddr) return start - vaddr->value;
  }
  return 0;
}

// Starts PHP, whose input stays open and empty, and returns what it prints up to "end".
std::string told_by(const char* root, const char* program, pid_t& pid) {
  int input[2];
  int output[2];
  if (pipe(input) != 0 || pipe(output) != 0) return {};
  pid = fork();
  if (pid == 0) {
    dup2(input[0], 0);
    dup2(output[1], 1);
    if (chroot(root) != 0 || chdir("/") != 0) _exit(126);
    execl(program, program, "-n", "/tmp/workload.php", static_cast<char*>(nullptr));
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
  std::filesystem::copy_file(script, std::string(root) + "/tmp/workload.php",
                             std::filesystem::copy_options::overwrite_existing);
  Recording recording;
  pid_t pid = 0;
  std::istringstream told(told_by(root, program, pid));
  for (std::string line; std::getline(told, line);) recording.parse_line(line);
  recording.frames.insert(recording.frames.begin(), ToldFrame{.line = 0, .file = {}, .name = "fgets"});

  int result = 1;
  const auto image = elf::Image::open(fmt::format("/proc/{}/exe", pid));
  const PhpRuntime runtime;
  const auto detected = image ? runtime.detect(*image, program) : std::nullopt;
  if (detected && detected->supported && recording.frames.size() > 1) {
    recording.version = targets::layout_of<gp_php>(detected->entry).version;
    recording.globals = detected->state[kGlobals].value + bias_of(pid, *image);
    ProcessReader reader;
    reader.pid = pid;
    reader.into = &recording;
    if (auto attached = runtime.attach(recording.file(), reader, 0); attached) {
      auto walk = std::make_unique<PhpWalk>();
      WalkWorld world;
      world.memory = &reader;
      world.entry = *attached;
      walk->run(world);
      fmt::print("{} frames told, {} walked, {} symbols\n", recording.frames.size(), walk->state.frames,
                 world.shipped.size());
      result = recording.save(output) ? 0 : 1;
    } else {
      fmt::print("{}\n", attached.error().message());
    }
  }
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return result;
}

}  // namespace
}  // namespace gp::runtimes::php

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  return gp::runtimes::php::record(argv[1], argv[2], argv[3], argv[4]);
}
