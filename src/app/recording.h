// What this folder needs of the engine: one profile being taken. main.cc says which engine that is; tests say a fake.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"

namespace gp::app {

struct RecordRequest {
  uint32_t frequency_hz = 0;                          // 1 to 1000
  std::vector<int32_t> pids;                          // empty: every process
  bool children = false;                              // with pids: what they start, too
  bool inlines = false;                               // name inlined functions and lines
  std::optional<std::chrono::milliseconds> duration;  // none: until something else ends it
  bool python_versions = true;                        // packages and their versions in Python frames
  bool any_runtime = false;  // walk all runtimes at once: what is to be profiled does not run yet
};

// Sampling runs for as long as the object lives, or until finish(). Owner thread: control.
class Recording {
 public:
  Recording() = default;
  Recording(const Recording&) = delete;
  Recording(Recording&&) = delete;
  Recording& operator=(const Recording&) = delete;
  Recording& operator=(Recording&&) = delete;
  virtual ~Recording() = default;

  [[nodiscard]] virtual uint64_t samples_taken() const = 0;
  // When this is readable, serve() is to be called; -1: never.
  [[nodiscard]] virtual int fd() const { return -1; }
  virtual void serve() {}
  virtual Result<profile::Profile> finish() = 0;  // stops, drains, names; once only
};

// Returns when sampling runs.
using StartRecording = std::function<Result<std::unique_ptr<Recording>>(const RecordRequest&)>;

}  // namespace gp::app
