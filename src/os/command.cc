#include "os/command.h"

#include <grp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/check.h"
#include "os/event_fd.h"

extern char** environ;

namespace gp::os {
namespace {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe");
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// Pointers for execve; both live as long as the strings.
std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment_for(const std::optional<InvokingUser>& user) {
  std::vector<std::string> variables;
  const bool rename = user && !user->name.empty();
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view text = *at;
    const bool replaced = text.starts_with("HOME=") || text.starts_with("USER=") || text.starts_with("LOGNAME=");
    if (!rename || !replaced) variables.emplace_back(text);
  }
  if (rename) {
    variables.push_back("HOME=" + user->home);
    variables.push_back("USER=" + user->name);
    variables.push_back("LOGNAME=" + user->name);
  }
  return variables;
}

// All below runs in the forked child: only async-signal-safe calls, no allocation.

bool take_on(const InvokingUser& user) {
  return ::setgroups(user.groups.size(), user.groups.data()) == 0 && ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0;
}

void reset_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::signal(SIGPIPE, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// A parent's SIGTSTP or terminal stop while at the gate is like any program's. `gate` gives a byte or ends.
bool wait_at(int gate) {
  char byte = 0;
  ssize_t got = 0;
  do got = ::read(gate, &byte, 1);
  while (got < 0 && errno == EINTR);
  return got == 1;
}

[[noreturn]] void become(int gate, int report, const std::optional<InvokingUser>& user, char* const* arguments,
                         char* const* variables) {
  reset_signals();
  if (!wait_at(gate)) ::_exit(0);
  if (!user || take_on(*user)) ::execvpe(arguments[0], arguments, variables);
  const int error = errno;
  (void)!::write(report, &error, sizeof(error));
  ::_exit(127);
}

}  // namespace

Result<Command> Command::prepare(const std::vector<std::string>& arguments, const std::optional<InvokingUser>& user) {
  GP_CHECK(!arguments.empty());
  GP_ASSIGN(Pipe gate, make_pipe());
  GP_ASSIGN(Pipe report, make_pipe());
  std::vector<std::string> argument_texts = arguments;
  std::vector<std::string> variable_texts = environment_for(user);
  const std::vector<char*> argument_pointers = pointers(argument_texts);
  const std::vector<char*> variable_pointers = pointers(variable_texts);
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("fork");
  if (pid == 0) {
    gate.write.reset();  // or the child would keep its own gate from closing
    become(gate.read.get(), report.write.get(), user, argument_pointers.data(), variable_pointers.data());
  }
  Command command(arguments.front(), pid, std::move(gate.write), std::move(report.read));
  GP_ASSIGN(command.pidfd_, open_pidfd(pid));
  return command;
}

Command::Command(Command&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      gate_(std::move(other.gate_)),
      report_(std::move(other.report_)) {}

Command::~Command() {
  const bool at_gate = static_cast<bool>(gate_);
  gate_.reset();
  if (pid_ > 0 && at_gate) ::waitpid(pid_, nullptr, 0);
}

Result<void> Command::start() {
  GP_TRY(write_all(gate_.get(), "g", "the command's gate"));
  int error = 0;
  ssize_t got = 0;
  do got = ::read(report_.get(), &error, sizeof(error));
  while (got < 0 && errno == EINTR);
  report_.reset();
  if (got != sizeof(error)) {
    gate_.reset();
    return {};
  }
  // The child has nothing left to do but exit: the destructor, which finds the gate still held, reaps it.
  return fail_errno(fmt::format("cannot execute {}", name_), error);
}

Result<CommandEnd> Command::wait() {
  int status = 0;
  pid_t got = 0;
  do got = ::waitpid(pid_, &status, 0);
  while (got < 0 && errno == EINTR);
  if (got < 0) return fail_errno("wait for the command");
  pid_ = -1;
  if (WIFSIGNALED(status)) return CommandEnd{128 + WTERMSIG(status), WTERMSIG(status)};
  return CommandEnd{WEXITSTATUS(status), 0};
}

void Command::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

int exec_failure_exit_code(const Error& error) { return error.system_errno() == ENOENT ? 127 : 126; }

}  // namespace gp::os
