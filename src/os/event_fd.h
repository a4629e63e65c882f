// Descriptors one can poll: counters, timers, signals, processes; and anonymous files.
// Owner thread: whoever holds the object. All are closed on exec.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <span>

#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::os {

Result<UniqueFd> make_eventfd();                // non-blocking, starts at 0
Result<void> signal_eventfd(int fd);            // adds 1
uint64_t take_eventfd(int fd);                  // what was added since the last call
Result<UniqueFd> make_memfd(const char* name);  // an empty file in memory
Result<UniqueFd> open_pidfd(pid_t pid);         // readable once the process has ended

// A CLOCK_MONOTONIC timer, readable after `first` and then every `interval` (0: once).
Result<UniqueFd> make_timerfd(std::chrono::nanoseconds first, std::chrono::nanoseconds interval);
uint64_t take_expirations(int timer);  // since the last call; 0: none

bool signal_ignored(int signal);  // by this process

// Signals as something to read. They are blocked in the calling thread (and threads it makes later) for as long as the
// object lives; afterwards the mask is what it was. To be made before the first thread. Ignored ones are read as well.
class SignalFd {
 public:
  static Result<SignalFd> make(std::span<const int> signals);
  SignalFd(SignalFd&& other) noexcept;
  SignalFd(const SignalFd&) = delete;
  SignalFd& operator=(SignalFd&&) = delete;
  SignalFd& operator=(const SignalFd&) = delete;
  ~SignalFd();

  [[nodiscard]] int fd() const { return fd_.get(); }
  std::optional<int> next();  // the number of a pending signal

 private:
  SignalFd(UniqueFd fd, const sigset_t& before) : fd_(std::move(fd)), before_(before) {}

  UniqueFd fd_;  // none after a move: nothing to restore
  sigset_t before_;
};

}  // namespace gp::os
