// The fault this product was born from, rebuilt to be measured beside ours: a list of child objects, each with its three
// pipes, of which nobody lets go; a late child is killed, but neither drained nor waited for.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace gp::fault {

class LeakyRunner {
 public:
  LeakyRunner() = default;
  LeakyRunner(const LeakyRunner&) = delete;
  LeakyRunner& operator=(const LeakyRunner&) = delete;
  ~LeakyRunner() {
    for (const Child& child : children_) {
      ::kill(child.pid, SIGKILL);
      for (const int fd : child.pipes) ::close(fd);
    }
  }

  // False: there is no descriptor or process to be had any more.
  bool start(const std::string& program, const std::string& how) {
    std::array<std::array<int, 2>, 3> pipes{};
    for (auto& pipe : pipes) {
      if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return false;
    }
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, pipes[0][0], 0);
    ::posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 1);
    ::posix_spawn_file_actions_adddup2(&actions, pipes[2][1], 2);
    std::string name = program;
    std::string word = how;
    std::array<char*, 3> arguments{name.data(), word.data(), nullptr};
    pid_t pid = 0;
    const bool born = ::posix_spawn(&pid, name.c_str(), &actions, nullptr, arguments.data(), nullptr) == 0;
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipes[0][0]);
    ::close(pipes[1][1]);
    ::close(pipes[2][1]);
    if (!born) return false;
    children_.push_back({pid, {pipes[0][1], pipes[1][0], pipes[2][0]}, std::string(64U << 10U, ' ')});
    return true;
  }

 private:
  struct Child {
    pid_t pid;
    std::array<int, 3> pipes;
    std::string buffer;  // as a runtime's stream objects hold
  };
  std::vector<Child> children_;
};

}  // namespace gp::fault
