// A Python that runs a script until the script stops it, for tests and recordings. Owner thread: whoever made it.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "elf/image.h"
#include "runtimes/python/python_runtime.h"

namespace gp::runtimes::python {

// Finds the interpreter among the process' files: an executable mapping of a file that holds one. Lines of
// /proc/PID/maps are "start-end flags offset device inode path" (proc(5)).
inline bool find_runtime(pid_t pid, targets::RuntimeFile& file, uint64_t& bias) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
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
    const auto found = PythonRuntime().detect(*image, path);
    const auto vaddr = image->to_vaddr(FileOffset{offset});
    if (!found || !found->supported || !vaddr) continue;
    file = *found;
    bias = start - vaddr->value;
    return true;
  }
  return false;
}

// What it prints, 64 KiB at most; empty when it ends before it stops.
inline std::string output_until_stop(const char* python, const char* script, const char* mode, pid_t& pid) {
  int pipe_ends[2] = {-1, -1};
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

inline void end_stopped(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

}  // namespace gp::runtimes::python
