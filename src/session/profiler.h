// A single profile from start to finish: an engine with one session of one window.
// Owner thread: the one that calls start().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"
#include "session/engine.h"

namespace gp::session {

struct RunOptions {
  uint32_t frequency_hz = 11;
  std::vector<int32_t> pids;                                  // empty: every process
  bool children = false;                                      // and what these start
  bool inlines = false;                                       // source lines and inlined functions
  bool python_versions = true;                                // packages in Python frames
  std::string symbol_cache = "/var/cache/gprofiler/symbols";  // "": indexes stay in memory
  std::span<const targets::Runtime* const> runtimes;          // must outlive the profiler
  bool walk_all = false;                                      // as in EngineOptions
};

class Profiler {
 public:
  // Returns once every CPU is being sampled.
  static Result<std::unique_ptr<Profiler>> start(const RunOptions& options);
  ~Profiler();
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  [[nodiscard]] uint64_t samples_taken() const { return engine_->samples(session_); }
  [[nodiscard]] EngineFigures figures() const { return engine_->figures(); }
  // Stops sampling, reads what is left and names it. To be called once.
  Result<profile::Profile> finish();

 private:
  class Keep;
  Profiler() = default;

  std::shared_ptr<Keep> keep_;
  std::unique_ptr<Engine> engine_;
  SessionId session_ = 0;
};

}  // namespace gp::session
