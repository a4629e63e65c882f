// Builds a profile::Profile by hand, for tests and for working on the flame graph without sampling anything.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>

#include "profile/profile.h"

namespace gp::test {

class ProfileBuilder {
 public:
  // A window of 30 s at 99 Hz that ended 2026-08-05T10:15:30Z, on a host of a few names.
  ProfileBuilder();

  uint32_t function(profile::Function function);
  uint32_t process(profile::Process process);
  uint32_t thread(uint32_t process, int32_t tid, std::string name);
  // One stack, root first. Repeats of a thread's stack add up.
  void add(uint32_t thread, std::span<const uint32_t> functions, uint64_t count);
  void add(uint32_t thread, std::initializer_list<uint32_t> functions, uint64_t count) {
    add(thread, std::span(functions.begin(), functions.size()), count);
  }

  [[nodiscard]] size_t nodes() const { return profile_.nodes.size(); }

  profile::Quality& quality() { return profile_.quality; }
  // Sorted as Profile wants it, with counters that fit the samples: all whole but for what quality() was told.
  profile::Profile build() &&;

 private:
  profile::Profile profile_;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> children_;      // (parent, function) → node
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> sample_count_;  // (thread, stack) → count
};

}  // namespace gp::test
