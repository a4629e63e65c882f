// What a session gathers while its window is open: merged stacks by thread, and what is needed to name them when the
// processes are gone. Owner thread: reader until the window closes, then the closer.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "bpf/abi/sample.h"
#include "os/unique_fd.h"
#include "profile/profile.h"
#include "profile/quality.h"
#include "profile/stack_trie.h"
#include "session/code_table.h"
#include "targets/code_file.h"
#include "targets/process.h"
#include "targets/runtime.h"

namespace gp::session {

// A recording that has grown to this takes no more samples; they are counted as lost over budget. Stacks merge, so
// this is some 2 million different ones. The governor may lower it.
inline constexpr size_t kMaxRecordingBytes = 64U << 20U;

// What frames of a runtime's code (enum gp_runtime) are.
profile::FrameKind frame_kind_of(uint32_t runtime);

// A sample ready to be added. Frames leaf first, as the walker made them.
struct WalkedSample {
  const gp_sample* header = nullptr;
  uint64_t weight_ns = 0;  // of CPU time that it stands for
  std::span<const gp_frame> frames;
  std::span<const uint64_t> kernel;  // addresses, leaf first
  profile::WalkEnd end = profile::WalkEnd::kRoot;
  bool has_user_part = true;
  bool guessed = false;
  bool deferred = false;
  std::shared_ptr<const targets::Program> program;
  const CodeTable* code = nullptr;           // names of interpreted frames; null: there are none
  size_t budget_bytes = kMaxRecordingBytes;  // a recording that holds more does not take it
};

class Recording {
 public:
  struct Thread {
    uint32_t program = 0;
    int32_t tid = 0;
    std::string name;
  };

  // The perf map of a process that runs generated code.
  void keep_perf_map(ProcessKey process, int32_t namespace_pid, os::UniqueFd fd);
  // Takes names that could only be read after the first samples that need them.
  void take_late_names(const CodeTable& code);
  template <class FindFile>
  void add(const WalkedSample& sample, FindFile find_file);
  // Threads get the name that `find` (process, tid) has for them, as a pointer; null: they keep theirs.
  template <class FindName>
  void name_threads(FindName find) {
    for (Thread& thread : threads_) {
      if (const std::string* name = find(programs_[thread.program]->key, thread.tid)) thread.name = *name;
    }
  }
  // The window is over: no sample will be added.
  void seal();

  [[nodiscard]] const profile::StackTrie& trie() const { return trie_; }
  [[nodiscard]] std::span<const std::shared_ptr<targets::CodeFile>> files() const { return files_; }
  [[nodiscard]] std::span<const std::shared_ptr<const targets::Program>> programs() const { return programs_; }
  [[nodiscard]] std::span<const std::shared_ptr<const targets::CodeSymbol>> code() const { return code_; }
  [[nodiscard]] std::span<const std::string> texts() const { return texts_; }
  [[nodiscard]] std::span<const Thread> threads() const { return threads_; }
  // Weight in ns by thread and leaf node, each in half a word; in no order.
  using Weights = std::unordered_map<uint64_t, uint64_t>;
  [[nodiscard]] const Weights& weights() const { return weights_; }
  static uint32_t thread_of(uint64_t place) { return static_cast<uint32_t>(place >> 32U); }
  static uint32_t node_of(uint64_t place) { return static_cast<uint32_t>(place); }
  struct PerfMap {
    int32_t namespace_pid = 0;
    os::UniqueFd fd;
  };
  [[nodiscard]] std::map<ProcessKey, PerfMap>& perf_maps() { return perf_maps_; }
  [[nodiscard]] profile::Quality& quality() { return quality_; }
  [[nodiscard]] const profile::Quality& quality() const { return quality_; }
  [[nodiscard]] size_t memory_bytes() const;

 private:
  // The last stack of a thread, root first: the next one mostly differs near its leaf only, and what they share need not
  // be looked up again. Holds no frame whose meaning may change while its bytes do not (code not named yet).
  struct Step {
    gp_frame frame;
    const targets::CodeFile* file;  // of a native frame; kept alive by files_
    uint32_t node;
  };
  struct Trail {
    uint32_t thread = UINT32_MAX;
    profile::WalkEnd end = profile::WalkEnd::kRoot;
    std::vector<Step> steps;
  };
  static constexpr size_t kTrails = 64;  // 32 bytes a frame: 2 MiB if every stack is 1,024 deep

  uint32_t program_index(const std::shared_ptr<const targets::Program>& program);
  uint32_t thread_index(uint32_t program, const gp_sample& header);
  uint32_t file_index(const std::shared_ptr<targets::CodeFile>& file);
  uint32_t symbol_index(std::shared_ptr<const targets::CodeSymbol> symbol);
  uint32_t text_index(std::string_view text);
  profile::RawFrame marker(std::string_view text);
  profile::RawFrame interpreted(const WalkedSample& sample, const gp_frame& frame);
  profile::RawFrame note(const gp_frame& frame);
  profile::RawFrame gap(const WalkedSample& sample, const gp_frame& frame);
  // What says at its root how a stack ended; nothing where a gap inside it says so.
  static std::string_view root_marker(const WalkedSample& sample);
  uint32_t push(uint32_t node, const profile::RawFrame& frame) { return trie_.child(node, trie_.add_frame(frame)); }
  Trail& trail_of(uint32_t thread, profile::WalkEnd end);
  // The user frame as the trie keeps it. `file` is a native frame's.
  profile::RawFrame raw_frame(const WalkedSample& sample, const gp_frame& frame, uint32_t program,
                              const std::shared_ptr<targets::CodeFile>* file);
  void count(const WalkedSample& sample);

  profile::StackTrie trie_;
  std::vector<std::shared_ptr<targets::CodeFile>> files_;
  std::unordered_map<const targets::CodeFile*, uint32_t> file_ids_;
  std::vector<std::shared_ptr<const targets::Program>> programs_;
  std::unordered_map<const targets::Program*, uint32_t> program_ids_;
  std::vector<std::shared_ptr<const targets::CodeSymbol>> code_;
  std::unordered_map<const targets::CodeSymbol*, uint32_t> symbol_ids_;
  std::map<CodeKey, uint32_t> code_ids_;
  std::vector<std::string> texts_;
  std::map<std::string, uint32_t, std::less<>> text_ids_;
  std::vector<Thread> threads_;
  std::map<std::pair<uint32_t, int32_t>, uint32_t> thread_ids_;
  Weights weights_;
  std::map<ProcessKey, PerfMap> perf_maps_;
  std::array<Trail, kTrails> trails_;
  size_t code_bytes_ = 0;
  profile::Quality quality_;
};

template <class FindFile>
void Recording::add(const WalkedSample& sample, FindFile find_file) {
  if (memory_bytes() > sample.budget_bytes) {
    ++quality_.lost[static_cast<size_t>(profile::LossReason::kOverBudget)];
    return;
  }
  const uint32_t program = program_index(sample.program);
  const uint32_t thread = thread_index(program, *sample.header);
  uint32_t node = 0;
  if (const auto text = root_marker(sample); !text.empty()) node = push(node, marker(text));

  std::vector<Step>& steps = trail_of(thread, sample.end).steps;
  size_t depth = 0;
  bool lasting = true;
  for (auto frame = sample.frames.rbegin(); frame != sample.frames.rend(); ++frame) {
    const auto* file = frame->kind == GP_FRAME_NATIVE ? &find_file(frame->extra) : nullptr;
    const targets::CodeFile* const identity = file != nullptr ? file->get() : nullptr;
    if (depth < steps.size() && steps[depth].file == identity &&
        std::memcmp(&steps[depth].frame, &*frame, sizeof(*frame)) == 0) {
      node = steps[depth++].node;
      continue;
    }
    if (depth < steps.size()) steps.resize(depth);
    const profile::RawFrame raw = raw_frame(sample, *frame, program, file);
    node = push(node, raw);
    lasting &= raw.kind != profile::RawFrameKind::kMarker;
    if (!lasting) continue;
    steps.push_back({.frame = *frame, .file = identity, .node = node});
    ++depth;
  }
  steps.resize(depth);
  for (size_t i = sample.kernel.size(); i-- > 0;) {
    node = push(
        node, {.value = sample.kernel[i], .owner = 0, .kind = profile::RawFrameKind::kKernel, .return_address = i > 0});
  }
  weights_[uint64_t{thread} << 32U | node] += sample.weight_ns;
  count(sample);
}

}  // namespace gp::session
