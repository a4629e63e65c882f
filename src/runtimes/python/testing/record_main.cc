// Makes the recordings the walker is tested with: runs tests/data/python/workload.py until it stops itself, walks it,
// and writes down every piece of memory the walk read, with the stack the program told. See recording.h. Paths end up
// in the recording, so run a copy of the script:
//
//   gp_record_python PYTHON /tmp/workload.py main|thread|subinterpreter OUTPUT
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtimes/python/python_runtime.h"
#include "runtimes/python/testing/recording.h"
#include "runtimes/python/testing/walk.h"
#include "runtimes/testing/process_reader.h"

namespace gp::runtimes::python {
namespace {

// Finds the interpreter among the process' files: an executable mapping of a file that holds one. Lines of
// /proc/PID/maps are "start-end flags offset device inode path" (proc(5)).
bool find_runtime(pid_t pid, Recording& recording) {
  std::ifstream maps(fmt::format("/proc/{}/maps", pid));
  std::string line;
  while (std::getline(maps, line)) {
    uint64_t start = 0;
    uint64_t offset = 0;
    std::string rest, flags, device, inode, path;
    std::istringstream in(line);
    in >> std::hex >> start >> rest >> flags >> offset >> device >> inode >> path;
    if (flags.size() < 3 || flags[2] != 'x' || !path.starts_with('/')) continue;
    const auto image = elf::Image::open(path);
    if (!image) continue;
    const auto file = PythonRuntime().detect(*image, path);
    const auto vaddr = image->to_vaddr(FileOffset{offset});
    if (!file || !file->supported || !vaddr) continue;
    recording.file = *file;
    recording.bias = start - vaddr->value;
    return true;
  }
  return false;
}

std::string output_until_stop(const char* python, const char* script, const char* mode, pid_t& pid) {
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) return {};
  pid = fork();
  if (pid == 0) {
    dup2(pipe_ends[1], 1);
    execl(python, python, "-E", "-s", "-S", script, mode, static_cast<char*>(nullptr));
    _exit(127);
  }
  close(pipe_ends[1]);
  int status = 0;
  waitpid(pid, &status, WUNTRACED);
  std::string text(1U << 16U, '\0');  // the pipe holds all of it
  const ssize_t got = WIFSTOPPED(status) ? read(pipe_ends[0], text.data(), text.size()) : 0;
  close(pipe_ends[0]);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

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
  if (!recording.frames.empty() && find_runtime(pid, recording) && recording_has_offsets(reader, recording)) {
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
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  return result;
}

}  // namespace
}  // namespace gp::runtimes::python

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  return gp::runtimes::python::record(argv[1], argv[2], argv[3], argv[4]);
}
