#include "managed/merge.h"

#include <fmt/format.h>

#include <algorithm>

namespace gp::managed {
namespace {

constexpr size_t kMaxReasons = 32;  // that a profile tells apart, of one collector

profile::ToolReport& report_of(std::string_view collector, profile::Profile& profile) {
  const auto found = std::ranges::find(profile.tools, collector, &profile::ToolReport::name);
  if (found != profile.tools.end()) return *found;
  profile.tools.emplace_back().name = collector;
  return profile.tools.back();
}

void count(profile::ToolReport& report, std::string reason) {
  const bool room = report.failures.size() < kMaxReasons || report.failures.contains(reason);
  ++report.failures[room ? std::move(reason) : "other reasons"];
}

}  // namespace

void merge_collection(std::string_view collector, const Collection& collection, const std::function<double()>& phase,
                      profile::Profile& profile) {
  profile::ToolReport& report = report_of(collector, profile);
  for (const profile::ToolStacks& stacks : collection.processes) {
    const uint64_t samples = profile::replace_stacks(profile, stacks, phase());
    if (samples > 0) ++report.processes;
    report.samples += samples;
    if (stacks.dropped() > 0) count(report, fmt::format("{} stacks without room", stacks.dropped()));
  }
  for (const CollectFailure& failure : collection.failures) count(report, failure.reason);
}

void note_failure(std::string_view collector, std::string reason, profile::Profile& profile) {
  count(report_of(collector, profile), std::move(reason));
}

}  // namespace gp::managed
