#include "tests/support/profile_builder.h"

namespace gp::test {

ProfileBuilder::ProfileBuilder() {
  profile_.end_unix_ns = 1'785'924'930'250'000'000;  // 2026-08-05T10:15:30.25Z
  profile_.start_unix_ns = profile_.end_unix_ns - 30'000'000'000;
  profile_.frequency_hz = 99;
  profile_.period_ns = 10'101'010;
  profile_.event = "cpu-clock";
  profile_.hostname = "web-7.example.net";
  profile_.agent_version = "0.1.0";
  profile_.kernel_release = "6.12.9-amd64";
  profile_.nodes.resize(1);
}

uint32_t ProfileBuilder::function(profile::Function function) {
  profile_.functions.push_back(std::move(function));
  return static_cast<uint32_t>(profile_.functions.size() - 1);
}

uint32_t ProfileBuilder::process(profile::Process process) {
  profile_.processes.push_back(std::move(process));
  return static_cast<uint32_t>(profile_.processes.size() - 1);
}

uint32_t ProfileBuilder::thread(uint32_t process, int32_t tid, std::string name) {
  profile_.threads.push_back({process, tid, std::move(name)});
  return static_cast<uint32_t>(profile_.threads.size() - 1);
}

void ProfileBuilder::add(uint32_t thread, std::span<const uint32_t> functions, uint64_t count) {
  uint32_t node = 0;
  for (const uint32_t function : functions) {
    const auto [entry, added] = children_.try_emplace({node, function}, static_cast<uint32_t>(profile_.nodes.size()));
    if (added) profile_.nodes.push_back({node, function});
    node = entry->second;
  }
  sample_count_[{thread, node}] += count;
}

profile::Profile ProfileBuilder::build() && {
  uint64_t reported = 0;
  for (const auto& [key, count] : sample_count_) {
    profile_.samples.push_back({key.first, key.second, count});
    reported += count;
    for (uint32_t node = key.second; node != 0; node = profile_.nodes[node].parent) {
      profile_.quality.frames += count;
      if (!profile_.functions[profile_.nodes[node].function].named) profile_.quality.unnamed_frames += count;
    }
  }
  auto& quality = profile_.quality;
  quality.whole = reported - quality.guessed - quality.truncated - quality.unwalked;
  quality.taken = reported + quality.lost_total();
  return std::move(profile_);
}

}  // namespace gp::test
