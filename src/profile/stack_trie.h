// Stacks as paths of a tree, merged as they come: a stack costs what it does not share with others. Frames are raw
// (places, not names). Owner thread: the session's reader.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gp::profile {

enum class RawFrameKind : uint8_t {
  kFile,    // owner: file of the recording, value: file offset
  kKernel,  // value: address
  kJit,     // owner: program of the recording, value: pc
  kCode,    // owner: code symbol of the recording, value: instruction
  kMarker,  // owner: text of the recording
};

// Where a frame is. Equal frames are the same place.
struct RawFrame {
  uint64_t value = 0;
  uint32_t owner = 0;
  RawFrameKind kind = RawFrameKind::kFile;
  bool return_address = false;
  bool operator==(const RawFrame&) const = default;
};

class StackTrie {
 public:
  struct Node {
    uint32_t parent = 0;  // smaller than the node's own index; node 0 is the root
    uint32_t frame = 0;   // index into frames()
  };

  StackTrie();

  uint32_t add_frame(const RawFrame& frame);        // index of the frame, the same for equal frames
  uint32_t child(uint32_t parent, uint32_t frame);  // the node below `parent`
  [[nodiscard]] std::span<const Node> nodes() const { return nodes_; }
  [[nodiscard]] std::span<const RawFrame> frames() const { return frames_; }
  // Nothing is added any more: what only finds places for new nodes goes, half of all bytes.
  void seal();
  [[nodiscard]] size_t memory_bytes() const;

 private:
  // Open addressing over indexes; 0 is free (index + 1 is stored). At most half full.
  class Index {
   public:
    template <class Equal>
    uint32_t* find(uint64_t hash, Equal equal);
    template <class HashOf>
    void grow_for(size_t count, HashOf hash_of);
    void drop() { slots_ = std::vector<uint32_t>(); }
    [[nodiscard]] size_t bytes() const { return slots_.capacity() * sizeof(uint32_t); }

   private:
    std::vector<uint32_t> slots_ = std::vector<uint32_t>(1024);
  };

  static uint64_t hash(const RawFrame& frame);
  static uint64_t hash(const Node& node);

  std::vector<RawFrame> frames_;
  std::vector<Node> nodes_;
  Index frame_index_;
  Index node_index_;
};

}  // namespace gp::profile
