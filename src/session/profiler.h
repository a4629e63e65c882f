// One profiling session from start to named profile: owns the sampler, the loader and the reader.
// Owner thread: the one that calls start(); samples_taken() may be read from any.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"
#include "sampling/sampler.h"
#include "session/reader.h"
#include "targets/loader.h"
#include "targets/runtime.h"

namespace gp::session {

struct RunOptions {
  uint32_t frequency_hz = 11;
  std::vector<int32_t> pids;                                  // empty: every process
  bool children = false;                                      // and what these start
  bool inlines = false;                                       // source lines and inlined functions
  std::string symbol_cache = "/var/cache/gprofiler/symbols";  // "": indexes stay in memory
  std::span<const targets::Runtime* const> runtimes;          // must outlive the profiler
};

// What the session holds at the moment, for people.
struct Footprint {
  uint64_t bpf_bytes = 0;       // all maps, as the kernel charges them
  uint64_t row_pool_bytes = 0;  // of those: unwind rows
  uint64_t processes = 0;
};

class Profiler {
 public:
  // Returns once every CPU is being sampled.
  static Result<std::unique_ptr<Profiler>> start(const RunOptions& options);
  ~Profiler();
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  [[nodiscard]] uint64_t samples_taken() const;
  [[nodiscard]] Footprint footprint() const;
  // Stops sampling, reads what is left and names it. To be called once.
  Result<profile::Profile> finish();

 private:
  explicit Profiler(const RunOptions& options) : options_(options) {}

  RunOptions options_;
  int64_t start_unix_ns_ = 0;
  // Destroyed in reverse: the reader uses the loader, which uses the sampler's tables.
  std::unique_ptr<sampling::Sampler> sampler_;
  std::unique_ptr<targets::Loader> loader_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace gp::session
