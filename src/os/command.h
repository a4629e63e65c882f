// The command a user gives to profile: a child that waits at a gate until the profiler runs, then becomes the command.
//
// It belongs to the user, not to us. It stays in our process group, so that Ctrl-C in the terminal reaches it as
// usual, and it outlives us: the destructor never signals a command that was started. A child still at the gate is
// let go without ever having run anything, and reaped. Owner thread: the one that made it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/host.h"
#include "os/spawn.h"

namespace gp::os {

// How a command ended.
struct CommandEnd {
  int exit_code = 0;  // as a shell tells it: 128 + signal for one that was killed
  int signal = 0;     // 0: it exited
};

class Command {
 public:
  // Forks; `arguments` (at least one) is searched in PATH as a shell does. With `user`, all of that user's ids and
  // groups, HOME, USER and LOGNAME are taken on. Signals are as in a new program: unblocked, SIGPIPE deadly.
  static Result<Command> prepare(const std::vector<std::string>& arguments, const std::optional<InvokingUser>& user);

  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  [[nodiscard]] int pidfd() const { return child_.pidfd(); }  // readable once it has ended

  // Opens the gate and waits for the exec. An error's errno is execve's; ENOENT means not found.
  Result<void> start();

  // Waits for the end and reaps it. Once only.
  Result<CommandEnd> wait();

  // Sends a signal; one that has ended meanwhile is no error.
  void signal(int number) const { child_.signal(number); }

 private:
  explicit Command(GatedChild child) : child_(std::move(child)) {}

  GatedChild child_;
};

// What a shell would return for a command that could not be executed: 127 when it is not there, else 126.
int exec_failure_exit_code(const Error& error);

}  // namespace gp::os
