// Stacks of one process as an external profiler saw them, and their way into a profile: they take the place of the
// process' walked stacks. Owner thread: whoever holds the object. No I/O here.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "profile/profile.h"

namespace gp::profile {

// Merged as they come; what a tool writes is foreign, so both its weights and its number of places are bounded.
class ToolStacks {
 public:
  static constexpr size_t kMaxNodes = 1U << 18U;              // 8 bytes each, beside their index
  static constexpr uint64_t kMaxWeight = uint64_t{1} << 40U;  // of one stack; larger ones count as this

  explicit ToolStacks(Process process) : process_(std::move(process)) {}

  // Adds a stack, root first. False, and counted, when there is no room for it.
  bool add(std::span<const Function> stack, uint64_t weight);

  // Adds all of another's stacks.
  void add_all(const ToolStacks& other);
  // Weights times total / total(), at least 1 each: to compare with those of another recording.
  void scale_to(uint64_t total);

  [[nodiscard]] const Process& process() const { return process_; }
  [[nodiscard]] std::span<const Function> functions() const { return functions_; }
  [[nodiscard]] std::span<const StackNode> nodes() const { return nodes_; }
  [[nodiscard]] const std::map<uint32_t, uint64_t>& weights() const { return weights_; }  // leaf node → weight
  [[nodiscard]] uint64_t total() const;                        // sum of weights: samples in the tool's own measure
  [[nodiscard]] uint64_t dropped() const { return dropped_; }  // stacks without room
  [[nodiscard]] bool empty() const { return weights_.empty(); }

 private:
  uint32_t function_index(const Function& function);

  Process process_;
  std::vector<Function> functions_;
  std::vector<StackNode> nodes_ = std::vector<StackNode>(1);
  std::map<uint32_t, uint64_t> weights_;
  std::unordered_map<std::string, uint32_t> function_ids_;
  std::unordered_map<uint64_t, uint32_t> node_ids_;  // parent << 32 | function
  uint64_t dropped_ = 0;
};

// Puts a tool's stacks in the place of the walked ones of that process (by pid and start time; of several programs it
// ran, the last). Their weights are scaled to the samples that were taken of it: each count is rounded up with a
// probability equal to its fraction, and the sum is kept exactly. `phase` in [0, 1) decides the rounding and is to be
// random. A process of which no sample was taken is added with its weights as they are, in `taken` and `whole` too.
// Stacks without any weight change nothing. Walk outcomes in Quality stay as they were: they tell how the walk went.
// Returns the samples that now have the tool's stacks.
uint64_t replace_stacks(Profile& profile, const ToolStacks& stacks, double phase);

// Drops nodes and functions that no sample uses any more, keeping the order of the others. To be called once, when all
// replacements are made.
void drop_unused(Profile& profile);

}  // namespace gp::profile
