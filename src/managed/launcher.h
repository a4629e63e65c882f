// Where children come from. Whoever wants one asks here, from any thread; it is born on the control thread, because the
// kernel ends a child together with the thread that gave birth to it (PR_SET_PDEATHSIG), and only that one lives as long
// as the agent.
//
// Owner thread: control, which makes it and calls serve() when fd() is readable; start() and counts() are for all.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "managed/managed_process.h"
#include "managed/process_counts.h"
#include "os/unique_fd.h"

namespace gp::managed {

class Launcher {
 public:
  // Makes a cgroup for children where one can be made, and lets writes to a pipe without reader fail (ignores SIGPIPE).
  static Result<std::unique_ptr<Launcher>> make();
  ~Launcher();  // every process it started must have gone before
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  // Starts a child; on another thread than control, waits until control has done so, 10 s at most.
  Result<ManagedProcess> start(ProcessSpec spec);

  [[nodiscard]] int fd() const { return wake_.get(); }
  void serve();  // starts what was asked for
  // The agent is about to end: from now on no child is waited for longer than a second (ManagedProcess::start).
  void hurry() { hurry_ = true; }
  void close();  // refuses everything from now on, also what is waiting

  [[nodiscard]] const ProcessCounts& counts() const { return counts_; }
  [[nodiscard]] bool has_cgroups() const { return !cgroup_.empty(); }

 private:
  struct Request {
    ProcessSpec spec;
    std::unique_ptr<Result<ManagedProcess>> answer;
    bool abandoned = false;  // nobody waits any more
  };

  explicit Launcher(os::UniqueFd wake);
  Result<ManagedProcess> start_here(ProcessSpec spec);

  const pid_t control_;
  os::UniqueFd wake_;
  std::string mark_;    // what tells our descendants from others', in their environment
  std::string cgroup_;  // directory in which each child gets its own; empty: none could be made
  uint64_t next_number_ = 0;
  ProcessCounts counts_;
  std::atomic<bool> hurry_{false};
  std::mutex mutex_;
  std::condition_variable answered_;
  std::deque<std::shared_ptr<Request>> waiting_;  // guarded by mutex_, like the answers
  bool closed_ = false;                           // guarded by mutex_
};

}  // namespace gp::managed
