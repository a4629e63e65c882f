#include "managed/process_group.h"

#include <signal.h>

#include <utility>

namespace gp::managed {

void ProcessGroup::make_cgroup(const std::string& parent, const std::string& name, ProcessCounts& counts) {
  auto leaf = os::CgroupLeaf::make(parent + "/" + name);
  if (!leaf) return;
  leaf_.emplace(std::move(*leaf));
  descriptor_ = Gauged(counts.fds_open);
}

void ProcessGroup::drop_cgroup() {
  leaf_.reset();
  descriptor_ = Gauged();
}

void ProcessGroup::terminate() const {
  if (leader_ <= 0) return;
  ::kill(-leader_, SIGTERM);
  ::kill(-leader_, SIGCONT);
}

void ProcessGroup::kill() const {
  if (leader_ <= 0) return;
  ::kill(-leader_, SIGKILL);
  if (leaf_) leaf_->kill();
}

}  // namespace gp::managed
