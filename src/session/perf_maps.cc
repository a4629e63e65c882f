#include "session/perf_maps.h"

#include <utility>

namespace gp::session {

void PerfMaps::keep(ProcessKey process, int32_t namespace_pid, os::UniqueFd fd) {
  if (maps_.size() >= kMax && !maps_.contains(process)) return;
  maps_[process] = {.namespace_pid = namespace_pid, .fd = std::move(fd)};
}

void PerfMaps::give_to(Recording& recording) const {
  for (const auto& program : recording.programs()) {
    const auto map = maps_.find(program->key);
    if (map == maps_.end()) continue;
    os::UniqueFd fd;
    if (map->second.fd) {
      if (auto copy = os::duplicate(map->second.fd.get())) fd = std::move(*copy);
    }
    recording.keep_perf_map(program->key, map->second.namespace_pid, std::move(fd));
  }
}

void PerfMaps::forget_processes(const std::function<bool(ProcessKey)>& has_ended) {
  std::erase_if(maps_, [&](const auto& map) { return has_ended(map.first); });
}

}  // namespace gp::session
