// An interpreter that runs a script in a folder that holds a system until it waits, to be read for a recording. It prints
// lines, the last is "end". Owner thread: whoever made it.
#pragma once

#include <fmt/format.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "elf/image.h"

namespace gp::runtimes {

class WaitingProgram {
 public:
  // Runs `program arguments… script` in `root`, where a copy of the script is put into /tmp. The program's input stays
  // open and empty.
  WaitingProgram(const std::string& root, std::string program, std::vector<std::string> arguments,
                 const std::filesystem::path& script) {
    arguments.insert(arguments.begin(), std::move(program));
    arguments.push_back("/tmp/" + script.filename().string());
    std::filesystem::copy_file(script, root + arguments.back(), std::filesystem::copy_options::overwrite_existing);
    int input[2];
    int output[2];
    if (pipe(input) != 0 || pipe(output) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      dup2(input[0], 0);
      dup2(output[1], 1);
      std::vector<char*> words;
      words.reserve(arguments.size() + 1);
      for (auto& argument : arguments) words.push_back(argument.data());
      words.push_back(nullptr);
      if (chroot(root.c_str()) != 0 || chdir("/") != 0) _exit(126);
      execv(words[0], words.data());
      _exit(127);
    }
    close(output[1]);
    char byte = 0;
    while (!told_.ends_with("\nend\n") && read(output[0], &byte, 1) == 1) told_.push_back(byte);
    close(output[0]);
    usleep(200000);  // from its last word to waiting
  }
  ~WaitingProgram() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  WaitingProgram(const WaitingProgram&) = delete;
  WaitingProgram& operator=(const WaitingProgram&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::string executable() const { return fmt::format("/proc/{}/exe", pid_); }

  // Of its first thread; 0: not to be had.
  [[nodiscard]] uint64_t thread_pointer() const {
    user_regs_struct registers{};
    int status = 0;
    if (ptrace(PTRACE_ATTACH, pid_, nullptr, nullptr) != 0 || waitpid(pid_, &status, 0) != pid_) return 0;
    const bool got = ptrace(PTRACE_GETREGS, pid_, nullptr, &registers) == 0;
    ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
    return got ? registers.fs_base : 0;
  }

  // Hands over each line that it printed.
  template <class ParseLine>
  void told(ParseLine parse_line) const {
    std::istringstream lines(told_);
    for (std::string line; std::getline(lines, line);) parse_line(line);
  }

  // Where the program lies: its first executable mapping. Lines of /proc/PID/maps are "start-end flags offset device
  // inode path" (proc(5)).
  [[nodiscard]] uint64_t bias(const elf::Image& image) const {
    const auto program = std::filesystem::read_symlink(executable()).string();
    std::ifstream maps(fmt::format("/proc/{}/maps", pid_));
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

 private:
  pid_t pid_ = 0;
  std::string told_;
};

}  // namespace gp::runtimes
