#include "app/trial.h"

#include <algorithm>
#include <thread>

namespace gp::app {
namespace {

// For each node the name of the marker at its root; null where the root is a real frame.
std::vector<const std::string*> root_markers(const profile::Profile& profile) {
  std::vector<const std::string*> markers(profile.nodes.size(), nullptr);
  for (size_t node = 1; node < profile.nodes.size(); ++node) {
    const uint32_t parent = profile.nodes[node].parent;
    const profile::Function& function = profile.functions[profile.nodes[node].function];
    if (parent != 0) {
      markers[node] = markers[parent];
    } else if (function.kind == profile::FrameKind::kMarker) {
      markers[node] = &function.name;
    }
  }
  return markers;
}

}  // namespace

Result<profile::Profile> run_trial(const StartRecording& start) {
  RecordRequest request;
  request.frequency_hz = kTrialFrequencyHz;
  request.any_runtime = true;  // so that the kernel has seen all of the program
  GP_ASSIGN(const std::unique_ptr<Recording> recording, start(request));
  std::this_thread::sleep_for(kTrialDuration);
  return recording->finish();
}

std::vector<ProcessWalk> walks_of(const profile::Profile& profile) {
  const auto markers = root_markers(profile);
  std::vector<ProcessWalk> walks(profile.processes.size());
  for (size_t i = 0; i < walks.size(); ++i) walks[i].process = i;
  for (const profile::SampleGroup& group : profile.samples) {
    ProcessWalk& walk = walks[profile.threads[group.thread].process];
    walk.samples += group.count;
    if (const std::string* marker = markers[group.stack]) {
      walk.incomplete[*marker] += group.count;
    } else {
      walk.whole += group.count;
    }
  }
  std::ranges::sort(walks, [](const ProcessWalk& a, const ProcessWalk& b) {
    return a.samples != b.samples ? a.samples > b.samples : a.process < b.process;
  });
  return walks;
}

}  // namespace gp::app
