// Cgroups of version 2: where ours is, and leaves below it that hold the descendants of one child, whatever session or
// parent they have found themselves. Also on hosts that keep version 1 beside it ("hybrid").
// Owner thread: whoever holds the object.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/unique_fd.h"

namespace gp::os {

// Where a cgroup2 file system is mounted, and which cgroup its root shows ("/" but in containers).
struct CgroupMount {
  std::string directory;
  std::string root;
};
std::optional<CgroupMount> parse_cgroup2_mount(std::string_view mountinfo);  // /proc/PID/mountinfo
// The path in the version 2 hierarchy: the line "0::/PATH" of /proc/PID/cgroup.
std::optional<std::string> parse_cgroup2_path(std::string_view cgroups);
// Where a cgroup is in the file system; nothing when it lies outside what the mount shows.
std::optional<std::string> cgroup_directory(const CgroupMount& mount, std::string_view path);

// The directory of our own cgroup. kNotFound: no version 2 hierarchy is mounted.
Result<std::string> own_cgroup_directory();

// A cgroup without children. The destructor kills what is in it and removes it.
class CgroupLeaf {
 public:
  // Makes the directory, whose parent must exist.
  static Result<CgroupLeaf> make(std::string directory);
  CgroupLeaf(CgroupLeaf&&) = default;
  CgroupLeaf& operator=(CgroupLeaf&&) = delete;
  CgroupLeaf(const CgroupLeaf&) = delete;
  CgroupLeaf& operator=(const CgroupLeaf&) = delete;
  ~CgroupLeaf();

  [[nodiscard]] int fd() const { return fd_.get(); }  // for clone3
  // A process that is neither `leader` nor a zombie is inside.
  [[nodiscard]] bool holds_others(pid_t leader) const;
  // SIGKILL for everything inside, forks in progress included (cgroup.kill, Linux 5.14).
  void kill() const;

 private:
  CgroupLeaf(std::string directory, UniqueFd fd) : directory_(std::move(directory)), fd_(std::move(fd)) {}

  std::string directory_;
  UniqueFd fd_;  // none after a move
};

// Kills what is in a cgroup and removes it, waiting up to `patience` until the killed are gone. False: it is still there.
bool empty_cgroup(const std::string& directory, std::chrono::milliseconds patience);

}  // namespace gp::os
