#include "os/event_fd.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

namespace gp::os {
namespace {

timespec to_timespec(std::chrono::nanoseconds time) {
  constexpr int64_t kSecond = 1'000'000'000;
  return {.tv_sec = time.count() / kSecond, .tv_nsec = time.count() % kSecond};
}

Result<UniqueFd> owned(int fd, std::string_view doing) {
  if (fd < 0) return fail_errno(doing);
  return UniqueFd(fd);
}

}  // namespace

Result<UniqueFd> make_eventfd() { return owned(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"); }

Result<void> signal_eventfd(int fd) {
  const uint64_t one = 1;
  // EAGAIN: the counter is full, so its reader is woken already.
  if (::write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN) return fail_errno("write eventfd");
  return {};
}

Result<UniqueFd> make_memfd(const char* name) { return owned(::memfd_create(name, MFD_CLOEXEC), "memfd_create"); }

Result<UniqueFd> open_pidfd(pid_t pid) {
  // By number: glibc 2.36 has no wrapper that all our compilers' headers declare. Close-on-exec by itself.
  return owned(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), fmt::format("pidfd_open of process {}", pid));
}

Result<UniqueFd> make_timerfd(std::chrono::nanoseconds first, std::chrono::nanoseconds interval) {
  GP_ASSIGN(UniqueFd fd, owned(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create"));
  // A first of 0 would disarm the timer.
  const itimerspec spec{.it_interval = to_timespec(interval),
                        .it_value = to_timespec(std::max(first, std::chrono::nanoseconds(1)))};
  if (::timerfd_settime(fd.get(), 0, &spec, nullptr) != 0) return fail_errno("timerfd_settime");
  return fd;
}

uint64_t take_eventfd(int fd) {
  uint64_t count = 0;
  return ::read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

uint64_t take_expirations(int timer) {
  uint64_t count = 0;
  return ::read(timer, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

bool signal_ignored(int signal) {
  struct sigaction current{};
  return ::sigaction(signal, nullptr, &current) == 0 && current.sa_handler == SIG_IGN;
}

Result<SignalFd> SignalFd::make(std::span<const int> signals) {
  sigset_t set;
  sigset_t before;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  GP_ASSIGN(UniqueFd fd, owned(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd"));
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, &before); error != 0) {
    return fail_errno("pthread_sigmask", error);
  }
  return SignalFd(std::move(fd), before);
}

SignalFd::SignalFd(SignalFd&& other) noexcept : fd_(std::move(other.fd_)), before_(other.before_) {}

SignalFd::~SignalFd() {
  if (fd_) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> SignalFd::next() {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof(info)) != sizeof(info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace gp::os
