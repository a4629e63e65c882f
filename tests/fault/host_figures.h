// What this process holds at the moment, as the kernel tells it. For the soak's table.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "os/procfs.h"

namespace gp::fault {

struct HostFigures {
  uint64_t pipe_fds = 0;
  uint64_t fds = 0;
  uint64_t memory_kib = 0;  // private and dirty: what this process alone costs
  uint64_t zombies = 0;     // children not reaped
  uint64_t children = 0;    // that live
  uint64_t threads = 0;
};

inline HostFigures host_figures() {
  HostFigures figures;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++figures.fds;
    const auto target = std::filesystem::read_symlink(entry.path(), error);
    if (!error && target.string().starts_with("pipe:")) ++figures.pipe_fds;
  }
  --figures.fds;  // the directory itself
  std::ifstream rollup("/proc/self/smaps_rollup");
  for (std::string key; rollup >> key;) {
    if (key == "Private_Dirty:") rollup >> figures.memory_kib;
  }
  const auto threads = os::list_threads(::getpid());
  figures.threads = threads ? threads->size() : 0;
  const auto processes = os::list_processes();
  for (const int32_t pid : processes ? *processes : std::vector<int32_t>()) {
    const auto stat = os::read_stat(pid);
    if (!stat || stat->ppid != ::getpid()) continue;
    ++(stat->state == 'Z' ? figures.zombies : figures.children);
  }
  return figures;
}

}  // namespace gp::fault
