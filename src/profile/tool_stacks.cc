#include "profile/tool_stacks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

namespace gp::profile {
namespace {

// Of a path: frames, and those without a name. Markers speak for the walker and are no frames.
struct PathFigures {
  uint64_t frames = 0;
  uint64_t unnamed = 0;
};

PathFigures figures_of(const Profile& profile, uint32_t node) {
  PathFigures figures;
  for (; node != 0; node = profile.nodes[node].parent) {
    const Function& function = profile.functions[profile.nodes[node].function];
    if (function.kind == FrameKind::kMarker) continue;
    ++figures.frames;
    if (!function.named) ++figures.unnamed;
  }
  return figures;
}

void account(Profile& profile, const SampleGroup& group, bool add) {
  const PathFigures figures = figures_of(profile, group.stack);
  const uint64_t sign = add ? 1 : ~uint64_t{0};  // modulo 2^64: times -1
  Quality& quality = profile.quality;
  quality.frames += sign * group.count * figures.frames;
  quality.unnamed_frames += sign * group.count * figures.unnamed;
  if (figures.unnamed > 0) quality.unnamed += sign * group.count;
}

std::optional<uint32_t> last_program(const Profile& profile, const ProcessKey& key) {
  const auto found = std::ranges::find(profile.processes.rbegin(), profile.processes.rend(), key, &Process::key);
  if (found == profile.processes.rend()) return std::nullopt;
  return static_cast<uint32_t>(profile.processes.rend() - found - 1);
}

// The thread that carries a tool's stacks, which do not tell threads apart: the main one.
uint32_t main_thread(Profile& profile, uint32_t process) {
  const int32_t tid = profile.processes[process].key.pid;
  for (size_t i = 0; i < profile.threads.size(); ++i) {
    if (profile.threads[i].process == process && profile.threads[i].tid == tid) return static_cast<uint32_t>(i);
  }
  profile.threads.push_back({.process = process, .tid = tid, .name = profile.processes[process].comm});
  return static_cast<uint32_t>(profile.threads.size() - 1);
}

// Removes all samples of the process; their number.
uint64_t take_samples(Profile& profile, uint32_t process) {
  uint64_t taken = 0;
  std::erase_if(profile.samples, [&](const SampleGroup& group) {
    if (profile.threads[group.thread].process != process) return false;
    account(profile, group, false);
    taken += group.count;
    return true;
  });
  return taken;
}

// The tool's nodes behind the profile's own; the tool's node 0 is the profile's. Returns where node 1 went.
uint32_t append_tree(Profile& profile, const ToolStacks& stacks) {
  const auto first_function = static_cast<uint32_t>(profile.functions.size());
  const auto first_node = static_cast<uint32_t>(profile.nodes.size());
  profile.functions.insert(profile.functions.end(), stacks.functions().begin(), stacks.functions().end());
  for (const StackNode& node : stacks.nodes().subspan(1)) {
    profile.nodes.push_back(
        {.parent = node.parent == 0 ? 0 : first_node + node.parent - 1, .function = first_function + node.function});
  }
  return first_node;
}

}  // namespace

uint32_t ToolStacks::function_index(const Function& function) {
  const auto key = fmt::format("{}\n{}\n{}\n{}\n{}", function.name, function.file, function.module, function.line,
                               static_cast<int>(function.kind));
  const auto [place, added] = function_ids_.try_emplace(key, static_cast<uint32_t>(functions_.size()));
  if (added) functions_.push_back(function);
  return place->second;
}

bool ToolStacks::add(std::span<const Function> stack, uint64_t weight) {
  if (stack.empty() || weight == 0) return true;
  if (nodes_.size() + stack.size() > kMaxNodes) {
    ++dropped_;
    return false;
  }
  uint32_t node = 0;
  for (const Function& function : stack) {
    const uint32_t index = function_index(function);
    const auto [place, added] =
        node_ids_.try_emplace(uint64_t{node} << 32U | index, static_cast<uint32_t>(nodes_.size()));
    if (added) nodes_.push_back({.parent = node, .function = index});
    node = place->second;
  }
  uint64_t& sum = weights_[node];
  sum = std::min(sum + std::min(weight, kMaxWeight), kMaxWeight);
  return true;
}

void ToolStacks::add_all(const ToolStacks& other) {
  std::vector<Function> stack;
  for (const auto& [leaf, weight] : other.weights_) {
    stack.clear();
    for (uint32_t node = leaf; node != 0; node = other.nodes_[node].parent) {
      stack.push_back(other.functions_[other.nodes_[node].function]);
    }
    std::ranges::reverse(stack);
    add(stack, weight);
  }
  dropped_ += other.dropped_;
}

void ToolStacks::scale_to(uint64_t total) {
  const uint64_t own = this->total();
  if (own == 0) return;
  const long double scale = static_cast<long double>(total) / static_cast<long double>(own);
  for (auto& [leaf, weight] : weights_) {
    const long double scaled = std::round(static_cast<long double>(weight) * scale);
    weight = std::clamp<uint64_t>(static_cast<uint64_t>(scaled), 1, kMaxWeight);
  }
}

uint64_t ToolStacks::total() const {
  return std::accumulate(weights_.begin(), weights_.end(), uint64_t{0},
                         [](uint64_t sum, const auto& weight) { return sum + weight.second; });
}

uint64_t replace_stacks(Profile& profile, const ToolStacks& stacks, double phase) {
  const uint64_t total = stacks.total();
  if (total == 0) return 0;
  if (profile.nodes.empty()) profile.nodes.emplace_back();
  auto process = last_program(profile, stacks.process().key);
  if (!process) {
    process = static_cast<uint32_t>(profile.processes.size());
    profile.processes.push_back(stacks.process());
  }
  uint64_t wanted = take_samples(profile, *process);
  if (wanted == 0) {
    wanted = total;
    profile.quality.taken += total;
    profile.quality.whole += total;
  }
  const uint32_t thread = main_thread(profile, *process);
  const uint32_t first_node = append_tree(profile, stacks);
  // Marks at phase, phase + 1, … on the line of scaled weights: each stack gets as many as fall on its part.
  const long double scale = static_cast<long double>(wanted) / static_cast<long double>(total);
  uint64_t passed = 0;
  uint64_t marks = 0;
  for (const auto& [node, weight] : stacks.weights()) {
    passed += weight;
    const uint64_t reached =
        passed == total ? wanted : static_cast<uint64_t>(std::floor(static_cast<long double>(passed) * scale + phase));
    const uint64_t count = std::min(reached, wanted) - marks;
    marks += count;
    if (count == 0) continue;
    profile.samples.push_back({.thread = thread, .stack = first_node + node - 1, .count = count});
    account(profile, profile.samples.back(), true);
  }
  std::ranges::sort(profile.samples, {}, [](const SampleGroup& group) { return std::pair(group.thread, group.stack); });
  return wanted;
}

void drop_unused(Profile& profile) {
  constexpr uint32_t kUnused = UINT32_MAX;
  std::vector<uint32_t> new_node(profile.nodes.size(), kUnused);
  std::vector<uint32_t> new_function(profile.functions.size(), kUnused);
  for (const SampleGroup& group : profile.samples) new_node[group.stack] = 0;
  for (size_t i = profile.nodes.size(); i-- > 1;) {
    if (new_node[i] != kUnused) new_node[profile.nodes[i].parent] = 0;
  }
  std::vector<StackNode> nodes(1);
  std::vector<Function> functions;
  if (!new_node.empty()) new_node[0] = 0;
  for (size_t i = 1; i < profile.nodes.size(); ++i) {
    if (new_node[i] == kUnused) continue;
    const StackNode& node = profile.nodes[i];
    uint32_t& function = new_function[node.function];
    if (function == kUnused) {
      function = static_cast<uint32_t>(functions.size());
      functions.push_back(std::move(profile.functions[node.function]));
    }
    new_node[i] = static_cast<uint32_t>(nodes.size());
    nodes.push_back({.parent = new_node[node.parent], .function = function});
  }
  for (SampleGroup& group : profile.samples) group.stack = new_node[group.stack];
  profile.nodes = std::move(nodes);
  profile.functions = std::move(functions);
}

}  // namespace gp::profile
