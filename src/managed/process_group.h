// Everything that descends from one child, to be ended as one: its cgroup where one could be made, which nothing can
// leave by itself; and its session, which a descendant leaves by setsid(2). Owner thread: the child's.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "managed/process_counts.h"
#include "os/cgroup.h"

namespace gp::managed {

class ProcessGroup {
 public:
  // In the directory `parent`, where that is possible.
  void make_cgroup(const std::string& parent, const std::string& name, ProcessCounts& counts);
  [[nodiscard]] int cgroup_fd() const { return leaf_ ? leaf_->fd() : -1; }
  [[nodiscard]] bool has_cgroup() const { return leaf_.has_value(); }
  void drop_cgroup();  // the kernel would not have it
  void led_by(pid_t leader) { leader_ = leader; }

  // SIGTERM, and SIGCONT for those that are stopped and would not see it.
  void terminate() const;
  // Somebody beside the leader is alive. To be asked before kill(); without a cgroup it cannot be told, and is false.
  [[nodiscard]] bool has_others() const { return leaf_ && leaf_->holds_others(leader_); }
  // SIGKILL. The leader must not have been reaped yet: until then nobody else can have its number.
  void kill() const;

 private:
  std::optional<os::CgroupLeaf> leaf_;
  Gauged descriptor_;
  pid_t leader_ = -1;
};

}  // namespace gp::managed
