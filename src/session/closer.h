// Turns a closed recording into a named profile: every unique frame is named once, stacks are merged by name.
// Owner thread: the closer's (whoever finishes the window).
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "profile/profile.h"
#include "profile/stack_trie.h"
#include "session/recording.h"
#include "symbols/symbolizer.h"
#include "targets/runtime.h"

namespace gp::session {

class Closer {
 public:
  Closer(symbols::Symbolizer* symbolizer, std::span<const targets::Runtime* const> runtimes, bool inlines,
         bool with_packages = false)
      : symbolizer_(symbolizer), runtimes_(runtimes), inlines_(inlines), with_packages_(with_packages) {}

  // `profile` carries what is known of the window (times, rate, host); stacks, samples and quality are added.
  void close(Recording& recording, profile::Profile& profile);

 private:
  using Functions = std::vector<uint32_t>;  // of one raw frame, outermost first

  Functions name(Recording& recording, const profile::RawFrame& frame);
  profile::Function interpreted(const targets::CodeSymbol& code, uint32_t where) const;
  uint32_t function_index(profile::Function function);
  void add_processes(const Recording& recording);
  void add_stacks(Recording& recording);
  void add_samples(const Recording& recording);

  symbols::Symbolizer* symbolizer_;
  std::span<const targets::Runtime* const> runtimes_;
  bool inlines_;
  bool with_packages_;
  profile::Profile* profile_ = nullptr;
  std::unordered_map<std::string, uint32_t> function_ids_;
  profile::StackTrie tree_;  // of functions instead of frames
  // Of each raw node: where its path ends in the profile, its depth, and frames without a name on the path.
  struct Path {
    uint32_t node = 0;
    uint32_t depth = 0;
    uint32_t unnamed = 0;
  };
  std::vector<Path> paths_;
};

}  // namespace gp::session
