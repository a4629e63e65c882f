// What an earlier run of the agent left behind when it was killed by SIGKILL: its direct children died with it, their
// descendants did not. Those in a cgroup of its are killed; those without one bear its mark in their environment, and
// are counted and named, for a mark alone is not proof enough to kill. Owner thread: control, once at start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace gp::managed {

// "GPROFILER_CHILD_OF=PID.START", in the environment of every child.
std::string environment_mark(const ProcessKey& agent);
// "gprofiler.PID.START", the cgroup that holds those of its children.
std::string cgroup_name(const ProcessKey& agent);

// The agent of a mark or name as above; nothing when it is none.
std::optional<ProcessKey> marked_agent(std::string_view environment);  // entries end in NUL, as in /proc/PID/environ
std::optional<ProcessKey> agent_of_cgroup(std::string_view name);

struct Leftovers {
  size_t killed = 0;  // processes in cgroups of agents that have gone
  struct Escaped {
    int32_t pid = 0;
    std::string comm;
    ProcessKey agent;
  };
  std::vector<Escaped> escaped;

  // One line for the log; empty when nothing was found.
  [[nodiscard]] std::string describe() const;
};

Leftovers sweep_leftovers();

}  // namespace gp::managed
