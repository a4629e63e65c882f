// The BPF program that every tick calls (bpf/cpu.bpf.c). Each runtime's walker takes its share of the verifier's time
// (docs/performance.md, Start), so the first one has only those of the runtimes that run, for sampling to begin soon; one
// with all of them takes its place between two ticks, before long. Owner thread: as of Sampler.
#pragma once

#include <cstdint>
#include <future>
#include <memory>

#include "base/result.h"

struct bpf_link;  // libbpf
struct bpf_object;

namespace gp::sampling {

// Bit n: enum gp_runtime n.
using RuntimeSet = uint32_t;

class SamplingProgram {
 public:
  // The constants of the program, see bpf/.
  struct Constants {
    uint32_t ring_wake;
    uint32_t ring_copy_limit;
    uint32_t bucket_mask;
    uint32_t cache_mask;
  };

  // `maps`: loaded, with all that the program uses, and the slot that its tick calls; must outlive this.
  SamplingProgram(const bpf_object* maps, int slot_fd, const Constants& constants);
  ~SamplingProgram();
  SamplingProgram(const SamplingProgram&) = delete;
  SamplingProgram& operator=(const SamplingProgram&) = delete;

  // Has the program walk these runtimes and those it walked before. Blocks while the verifier looks at it, 0.03 to 0.15 s (docs/performance.md).
  Result<void> walk(RuntimeSet runtimes);
  // The same by a thread of its own: samples meanwhile go without. To be called again now and then: what was refused is
  // tried again, and what was asked for while another one was being made is taken up.
  void walk_soon(RuntimeSet runtimes);

 private:
  struct Detach {
    void operator()(bpf_link* link) const;
  };
  Result<void> load(RuntimeSet runtimes);  // any thread
  void take_loaded();

  const bpf_object* maps_;
  int slot_fd_;
  Constants constants_;
  std::unique_ptr<bpf_link, Detach> on_exec_;
  RuntimeSet wanted_ = 0;
  RuntimeSet walked_ = 0;
  uint64_t retry_ns_ = 0;        // not again before
  uint64_t retry_after_ns_ = 0;  // between the last two tries; 0: none has failed
  RuntimeSet loading_ = 0;
  std::future<Result<void>> loaded_;  // when `loading_` is walked
};

}  // namespace gp::sampling
