#include "output/hot_functions.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

namespace gp::output {

namespace {

// By index into Profile::functions: which of the merged functions it is.
std::vector<uint32_t> merge_lines(const profile::Profile& profile, std::vector<HotFunction>& merged) {
  std::map<std::tuple<std::string_view, std::string_view, std::string_view, profile::FrameKind>, uint32_t> known;
  std::vector<uint32_t> ids;
  ids.reserve(profile.functions.size());
  for (size_t i = 0; i < profile.functions.size(); ++i) {
    const auto& function = profile.functions[i];
    const auto [entry, added] = known.try_emplace({function.name, function.file, function.module, function.kind},
                                                  static_cast<uint32_t>(merged.size()));
    if (added) merged.push_back({static_cast<uint32_t>(i), 0, 0});
    ids.push_back(entry->second);
  }
  return ids;
}

}  // namespace

std::vector<HotFunction> hot_functions(const profile::Profile& profile) {
  std::vector<HotFunction> merged;
  const auto ids = merge_lines(profile, merged);
  std::vector<uint64_t> counts(profile.nodes.size());
  for (const auto& group : profile.samples) counts[group.stack] += group.count;

  std::vector<uint32_t> seen(merged.size());  // the last stack that counted a function
  for (uint32_t stack = 1; stack < counts.size(); ++stack) {
    if (counts[stack] == 0) continue;
    merged[ids[profile.nodes[stack].function]].self += counts[stack];
    for (uint32_t node = stack; node != 0; node = profile.nodes[node].parent) {
      const uint32_t id = ids[profile.nodes[node].function];
      if (seen[id] != stack) merged[id].total += counts[stack];
      seen[id] = stack;
    }
  }
  std::erase_if(merged, [](const HotFunction& each) { return each.total == 0; });
  std::ranges::sort(merged, [](const HotFunction& a, const HotFunction& b) {
    return std::tie(b.self, b.total, a.function) < std::tie(a.self, a.total, b.function);
  });
  return merged;
}

}  // namespace gp::output
