// A short profile of the whole host, to see how well processes can be walked. Owner thread: control.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "app/recording.h"

namespace gp::app {

inline constexpr std::chrono::seconds kTrialDuration{3};
inline constexpr uint32_t kTrialFrequencyHz = 99;  // enough samples in 3 s, and not in step with timers of 10 ms

Result<profile::Profile> run_trial(const StartRecording& start);

// How the stacks of one process came out.
struct ProcessWalk {
  size_t process = 0;                          // index into Profile::processes
  uint64_t samples = 0;                        // by count of stacks
  uint64_t whole = 0;                          // of those, without a marker at the root
  std::map<std::string, uint64_t> incomplete;  // marker → samples
};

// One for each process of the profile, those with most samples first.
std::vector<ProcessWalk> walks_of(const profile::Profile& profile);

}  // namespace gp::app
