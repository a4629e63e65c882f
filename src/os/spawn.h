// A child process made in two steps: it is born and waits at a gate; when the gate opens it becomes the program.
//
// The gate is what closes the race of parent-death signals. A child can ask for one only once it runs, when we may be
// gone already; so it asks first, says that it is ready, and waits for our word. Had we died meanwhile, the gate would
// have closed instead. (Comparing getppid() does not do it: in another pid namespace it is 0 before and after.)
//
// Owner thread: the one that makes it, for as long as the child lives: parent-death signals follow that thread.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "os/host.h"
#include "os/unique_fd.h"

namespace gp::os {

struct SpawnSpec {
  std::vector<std::string> arguments;       // at least one; the first is searched in our PATH as a shell does
  std::vector<std::string> environment;     // "NAME=value", all of it
  std::array<int, 3> standard{-1, -1, -1};  // what becomes descriptor 0, 1 and 2; -1: ours
  std::optional<InvokingUser> user;         // whose ids and groups it takes on; not when managed
  // Ours alone: a session of its own, SIGKILL when we end, no other descriptor, every signal at its default. Else it
  // belongs to the terminal: our process group, and descriptors that we were started with.
  bool managed = false;
  int cgroup = -1;                             // directory of a cgroup v2 to be born in
  int mount_namespace = -1;                    // to run in, as from /proc/PID/ns/mnt
  int pid_namespace = -1;                      // a descendant of ours
  std::vector<std::pair<int, rlimit>> limits;  // RLIMIT_…
  std::optional<int> nice;
};

// How a child ended.
struct ChildEnd {
  int exit_code = 0;  // as a shell tells it: 128 + signal for one that was killed
  int signal = 0;     // 0: it exited
  rusage usage{};     // its own and that of the children it waited for
};

class GatedChild {
 public:
  // The child waits at the gate when this returns.
  static Result<GatedChild> prepare(const SpawnSpec& spec);
  GatedChild(GatedChild&& other) noexcept;
  GatedChild& operator=(GatedChild&&) = delete;
  GatedChild(const GatedChild&) = delete;
  GatedChild& operator=(const GatedChild&) = delete;
  // A child at the gate is let go without having run anything, and reaped. One that was started is left alone.
  ~GatedChild();

  [[nodiscard]] pid_t pid() const { return pid_; }          // -1: reaped
  [[nodiscard]] int pidfd() const { return pidfd_.get(); }  // readable once it has ended

  // Opens the gate and waits for the exec, 10 s at most: a program may lie on a file system that hangs. An error's errno
  // is that of what failed; ENOENT means not found. The child is to be reaped all the same.
  Result<void> start();

  // Reaps it if it has ended; pid() is -1 then.
  Result<std::optional<ChildEnd>> reap();
  // Waits until it has, and reaps it.
  Result<ChildEnd> wait();

  // Sends a signal to it alone, by its pidfd; one that has ended meanwhile is no error.
  void signal(int number) const;

 private:
  GatedChild(std::string name, pid_t pid, UniqueFd pidfd, UniqueFd gate)
      : name_(std::move(name)), pid_(pid), pidfd_(std::move(pidfd)), gate_(std::move(gate)) {}

  bool take_end(int flags, ChildEnd& end);  // false: see errno; 0 means that it has not ended

  std::string name_;  // for errors
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd gate_;  // our end, until start()
};

}  // namespace gp::os
