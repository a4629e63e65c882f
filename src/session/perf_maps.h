// Perf maps of processes that run generated code, opened while these live, for all sessions. Owner thread: reader.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "base/ids.h"
#include "os/unique_fd.h"
#include "session/recording.h"

namespace gp::session {

class PerfMaps {
 public:
  static constexpr size_t kMax = 256;  // descriptors held

  void keep(ProcessKey process, int32_t namespace_pid, os::UniqueFd fd);
  // Gives the recording a descriptor for each of its processes that has a map.
  void give_to(Recording& recording) const;
  void forget_processes(const std::function<bool(ProcessKey)>& has_ended);

 private:
  std::map<ProcessKey, Recording::PerfMap> maps_;
};

}  // namespace gp::session
