// Which processes a tool is for, found anew for each window. Owner thread: any; reads /proc, which may block for a while.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "profile/profile.h"

namespace gp::managed {

struct FoundProcess {
  profile::Process identity;
  int32_t namespace_pid = 0;
  uint64_t cpu_ticks = 0;  // of its whole life
};

// Processes that map a file for which `looks_at` is true, busiest first. Of `pids` only, if there are any; never this
// one, and no kernel threads. What vanishes or may not be read meanwhile is left out.
std::vector<FoundProcess> find_processes(bool (*looks_at)(std::string_view mapped_file), std::span<const int32_t> pids);

// These processes and all their descendants that live now.
std::vector<int32_t> with_descendants(const std::vector<int32_t>& pids);

// The identity of one process as it is now; only pid and comm as given when it has gone.
profile::Process identity_of(int32_t pid, std::string_view comm);

}  // namespace gp::managed
