#include "profile/stack_trie.h"

#include "base/check.h"
#include "base/hash.h"

namespace gp::profile {

template <class Equal>
uint32_t* StackTrie::Index::find(uint64_t hash, Equal equal) {
  GP_CHECK(!slots_.empty());  // not sealed
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    if (slots_[at] == 0 || equal(slots_[at] - 1)) return &slots_[at];
  }
}

template <class HashOf>
void StackTrie::Index::grow_for(size_t count, HashOf hash_of) {
  if (count * 2 < slots_.size()) return;
  slots_.assign(slots_.size() * 2, 0);
  const size_t mask = slots_.size() - 1;
  for (uint32_t i = 0; i < count; ++i) {
    size_t at = hash_of(i) & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = i + 1;
  }
}

StackTrie::StackTrie() { nodes_.push_back({}); }

uint64_t StackTrie::hash(const RawFrame& frame) {
  const auto kind = static_cast<uint64_t>(frame.kind) << 1U | (frame.return_address ? 1U : 0U);
  return hash_mix(hash_mix(frame.value, frame.owner), kind);
}

uint64_t StackTrie::hash(const Node& node) { return hash_mix(node.parent, node.frame); }

uint32_t StackTrie::add_frame(const RawFrame& frame) {
  uint32_t* slot = frame_index_.find(hash(frame), [&](uint32_t i) { return frames_[i] == frame; });
  if (*slot != 0) return *slot - 1;
  frames_.push_back(frame);
  const auto index = static_cast<uint32_t>(frames_.size() - 1);
  *slot = index + 1;
  frame_index_.grow_for(frames_.size(), [this](uint32_t i) { return hash(frames_[i]); });
  return index;
}

uint32_t StackTrie::child(uint32_t parent, uint32_t frame) {
  const Node node{.parent = parent, .frame = frame};
  uint32_t* slot = node_index_.find(
      hash(node), [&](uint32_t i) { return nodes_[i].parent == parent && nodes_[i].frame == frame && i != 0; });
  if (*slot != 0) return *slot - 1;
  nodes_.push_back(node);
  const auto index = static_cast<uint32_t>(nodes_.size() - 1);
  *slot = index + 1;
  node_index_.grow_for(nodes_.size(), [this](uint32_t i) { return hash(nodes_[i]); });
  return index;
}

void StackTrie::seal() {
  frame_index_.drop();
  node_index_.drop();
  frames_.shrink_to_fit();
  nodes_.shrink_to_fit();
}

size_t StackTrie::memory_bytes() const {
  return frames_.capacity() * sizeof(RawFrame) + nodes_.capacity() * sizeof(Node) + frame_index_.bytes() +
         node_index_.bytes();
}

}  // namespace gp::profile
