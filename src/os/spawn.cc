#include "os/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <span>

#include "base/check.h"
#include "os/event_fd.h"

namespace gp::os {
namespace {

constexpr int kExecPatienceMs = 10'000;

// What the child was doing when it could not go on.
enum class Step : int { kNamespace, kLimit, kUser, kDescriptors, kExec };

struct Report {
  Step step;
  int error;
};

std::string_view doing(Step step) {
  switch (step) {
    case Step::kNamespace: return "cannot enter the namespaces for";
    case Step::kLimit: return "cannot set the limits of";
    case Step::kUser: return "cannot become the user of";
    case Step::kDescriptors: return "cannot arrange the descriptors of";
    case Step::kExec: break;
  }
  return "cannot execute";
}

// Pointers for execve, good for as long as the strings are.
std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& text : strings) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// From here to become(): runs in the child, which is a copy of one thread of many. Only async-signal-safe calls, no
// allocation, no locks.

// Whoever ignores a signal passes that on; SIGPIPE we ignore ourselves.
void reset_signals(bool managed) {
  sigset_t none;
  ::sigemptyset(&none);
  ::signal(SIGPIPE, SIG_DFL);
  for (int number = 1; managed && number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// A stop by the terminal while at the gate is like any program's. False: the gate closed.
bool wait_at(int gate) {
  char byte = 0;
  if (::send(gate, "r", 1, MSG_NOSIGNAL) != 1) return false;
  ssize_t got = 0;
  do got = ::recv(gate, &byte, 1, 0);
  while (got < 0 && errno == EINTR);
  return got == 1;
}

bool enter_mount_namespace(int fd) { return fd < 0 || (::setns(fd, CLONE_NEWNS) == 0 && ::chdir("/") == 0); }

bool take_limits(const SpawnSpec& spec) {
  for (const auto& [resource, limit] : spec.limits) {
    if (::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0) return false;
  }
  return !spec.nice || ::setpriority(PRIO_PROCESS, 0, *spec.nice) == 0;
}

bool take_on(const InvokingUser& user) {
  return ::setgroups(user.groups.size(), user.groups.data()) == 0 && ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0;
}

// First out of the way of 0 to 2, or one would overwrite the next.
bool arrange_descriptors(std::array<int, 3> standard, bool close_others) {
  for (int& fd : standard) {
    if (fd < 0) continue;
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (fd < 0) return false;
  }
  for (int target = 0; target < 3; ++target) {
    const int fd = standard[static_cast<size_t>(target)];
    if (fd >= 0 && ::dup2(fd, target) < 0) return false;
  }
  // By number: glibc 2.36 declares a wrapper that not all our compilers' headers have. Closed by exec rather than now,
  // so that the gate can still report.
  return !close_others || ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

[[noreturn]] void become(const SpawnSpec& spec, int gate, char* const* arguments, char* const* variables) {
  if (spec.managed) {
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  reset_signals(spec.managed);
  if (!wait_at(gate)) ::_exit(0);
  Report report{Step::kExec, 0};
  if (!enter_mount_namespace(spec.mount_namespace)) {
    report.step = Step::kNamespace;
  } else if (!take_limits(spec)) {
    report.step = Step::kLimit;
  } else if (!arrange_descriptors(spec.standard, spec.managed)) {
    report.step = Step::kDescriptors;
  } else if (spec.user && !take_on(*spec.user)) {
    report.step = Step::kUser;
  } else {
    ::execvpe(arguments[0], arguments, variables);
  }
  report.error = errno;
  (void)!::send(gate, &report, sizeof(report), MSG_NOSIGNAL);
  ::_exit(127);
}

// Like fork(), but into a cgroup and with a pidfd. 0 in the child. The C library's own handlers of fork do not run,
// which become() does not miss.
pid_t clone_child(int cgroup, int* pidfd) {
  clone_args args{};
  args.flags = CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0);
  args.pidfd = reinterpret_cast<uintptr_t>(pidfd);
  args.exit_signal = SIGCHLD;
  if (cgroup >= 0) args.cgroup = static_cast<__u64>(cgroup);
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof(args)));
  // Seccomp profiles of old container engines know no clone3.
  if (pid < 0 && cgroup < 0 && (errno == ENOSYS || errno == EPERM)) return ::fork();
  return pid;
}

// Children of the calling thread are born in another pid namespace for as long as this lives.
class BornIn {
 public:
  static Result<BornIn> make(int pid_namespace) {
    if (pid_namespace < 0) return BornIn(UniqueFd());
    GP_ASSIGN(UniqueFd own, open_file("/proc/thread-self/ns/pid"));
    if (::setns(pid_namespace, CLONE_NEWPID) != 0) return fail_errno("cannot enter the pid namespace");
    return BornIn(std::move(own));
  }
  BornIn(BornIn&&) = default;
  BornIn(const BornIn&) = delete;
  BornIn& operator=(BornIn&&) = delete;
  BornIn& operator=(const BornIn&) = delete;
  // Back to where we are ourselves, which the kernel always allows (pidns_install).
  ~BornIn() {
    if (own_) GP_CHECK(::setns(own_.get(), CLONE_NEWPID) == 0);
  }

 private:
  explicit BornIn(UniqueFd own) : own_(std::move(own)) {}
  UniqueFd own_;
};

}  // namespace

Result<GatedChild> GatedChild::prepare(const SpawnSpec& spec) {
  GP_CHECK(!spec.arguments.empty());
  GP_CHECK(!spec.managed || !spec.user);  // a change of ids undoes the wish for a parent-death signal
  const std::string& name = spec.arguments.front();
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return fail_errno(fmt::format("cannot start {}: socketpair", name));
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  const std::vector<char*> arguments = pointers(spec.arguments);
  const std::vector<char*> variables = pointers(spec.environment);
  int pidfd = -1;
  pid_t pid = 0;
  {
    GP_ASSIGN(const BornIn born_in, BornIn::make(spec.pid_namespace));
    pid = clone_child(spec.cgroup, &pidfd);
    if (pid < 0) return fail_errno(fmt::format("cannot start {}: fork", name));
    if (pid == 0) {
      ::close(ours.get());  // or it would keep its own gate from closing
      become(spec, theirs.get(), arguments.data(), variables.data());
    }
  }
  GatedChild child(name, pid, UniqueFd(pidfd), std::move(ours));
  if (!child.pidfd_) {
    GP_ASSIGN(child.pidfd_, open_pidfd(pid));
  }
  return child;
}

GatedChild::GatedChild(GatedChild&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      gate_(std::move(other.gate_)) {}

GatedChild::~GatedChild() {
  const bool at_gate = static_cast<bool>(gate_);
  gate_.reset();
  if (pid_ > 0 && at_gate) (void)wait();  // a child that cannot be reaped is nobody's any more
}

Result<void> GatedChild::start() {
  const UniqueFd gate = std::move(gate_);
  char ready = 0;
  ssize_t got = 0;
  do got = ::recv(gate.get(), &ready, 1, 0);
  while (got < 0 && errno == EINTR);
  if (got == 1 && ::send(gate.get(), "g", 1, MSG_NOSIGNAL) != 1) got = -1;
  if (got != 1) return fail(ErrorCode::kSystem, fmt::format("{} was killed before it began", name_));
  pollfd told{gate.get(), POLLIN, 0};
  if (::poll(&told, 1, kExecPatienceMs) == 0) {
    return fail_errno(fmt::format("cannot execute {}", name_), ETIMEDOUT);
  }
  Report report{};
  do got = ::recv(gate.get(), &report, sizeof(report), 0);
  while (got < 0 && errno == EINTR);
  if (got != sizeof(report)) return {};  // closed by exec, or with the child, as its end will tell
  return fail_errno(fmt::format("{} {}", doing(report.step), name_), report.error);
}

bool GatedChild::take_end(int flags, ChildEnd& end) {
  GP_CHECK(pid_ > 0);
  siginfo_t info{};
  long got = 0;
  // The system call itself: it tells usage, the C library's function does not.
  do got = ::syscall(SYS_waitid, P_PIDFD, pidfd_.get(), &info, WEXITED | flags, &end.usage);
  while (got < 0 && errno == EINTR);
  if (got < 0) return false;
  errno = 0;
  if (info.si_pid == 0) return false;
  pid_ = -1;
  end.signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
  end.exit_code = end.signal != 0 ? 128 + end.signal : info.si_status;
  return true;
}

Result<std::optional<ChildEnd>> GatedChild::reap() {
  ChildEnd end;
  if (take_end(WNOHANG, end)) return end;
  if (errno == 0) return std::nullopt;
  return fail_errno(fmt::format("wait for {}", name_));
}

Result<ChildEnd> GatedChild::wait() {
  ChildEnd end;
  if (take_end(0, end)) return end;
  return fail_errno(fmt::format("wait for {}", name_));
}

void GatedChild::signal(int number) const {
  if (pid_ > 0) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

}  // namespace gp::os
