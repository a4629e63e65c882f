// A child of ours, from birth to burial. There is no other way to start one (but the user's own COMMAND, os::Command).
//
// Whoever has it drives it: poll what watch() names, then advance(). That drains the pipes into bounded memory, keeps the
// deadline, and ends what has to end: SIGTERM to its group, 5 s, SIGKILL to its group, reaped through its pidfd. The
// destructor does all of it on every path; after it there is no descriptor, zombie, thread or entry left. When the child
// has ended, what it left behind in its group is killed, so a descendant that holds a pipe open holds up nobody.
//
// Made by Launcher::start. Owner thread: any one, which need not be the control thread that gave birth to it.
#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "managed/process_counts.h"
#include "managed/process_spec.h"

namespace gp::managed {

class ManagedProcess {
 public:
  using Clock = std::chrono::steady_clock;

  // `parent_cgroup`: a directory to make the child's own cgroup in, empty for none; `number` names it and is not to be
  // used twice. While `hurry` is true nobody waits for a child for long: it lives for kHurriedLife at most, and has
  // kHurriedPatience between SIGTERM and SIGKILL. For Launcher, which knows the control thread; `counts` and `hurry` are
  // its, too.
  static constexpr std::chrono::milliseconds kHurriedLife{700};
  static constexpr std::chrono::milliseconds kHurriedPatience{300};
  static Result<ManagedProcess> start(ProcessSpec spec, const std::string& parent_cgroup, uint64_t number,
                                      ProcessCounts& counts, const std::atomic<bool>& hurry);
  ManagedProcess(ManagedProcess&&) noexcept;
  ManagedProcess& operator=(ManagedProcess&&) = delete;
  ManagedProcess(const ManagedProcess&) = delete;
  ManagedProcess& operator=(const ManagedProcess&) = delete;
  ~ManagedProcess();

  [[nodiscard]] pid_t pid() const;  // -1: reaped
  [[nodiscard]] bool has_cgroup() const;

  void watch(std::vector<pollfd>& fds) const;   // adds what would make advance() worth a call
  [[nodiscard]] Clock::time_point due() const;  // when advance() is to be called at the latest
  // True: it has ended and result() is there. Does not block.
  bool advance();
  // Ends it early; takes effect in the next advance().
  void cancel();

  // Drives it to its end.
  ProcessResult run(const std::stop_token& cancel);
  [[nodiscard]] const ProcessResult& result() const;  // after advance() said so

 private:
  struct State;
  explicit ManagedProcess(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

// Drives all of them to their ends, on this thread. `cancel` ends them early.
void run_to_end(std::span<ManagedProcess* const> processes, const std::stop_token& cancel);

}  // namespace gp::managed
