// What a session is: who is sampled how often, cut into windows, each window a profile handed to a sink.
// Owner thread: none (values); sinks say which below.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bpf/abi/sessions.h"
#include "profile/profile.h"
#include "targets/filter.h"

namespace gp::managed {
class Collector;
}

namespace gp::session {

using SessionId = uint32_t;                              // never given out twice by one engine; 0: none
inline constexpr size_t kMaxSessions = GP_SESSIONS_MAX;  // at a time

// What became of an external tool that was to add its part to a window.
struct CollectorOutcome {
  std::string name;
  std::string error;  // empty: its part is in the profile
  bool timed_out = false;
};

// A window as it was, beside its profile.
struct WindowInfo {
  SessionId session = 0;
  std::string session_name;
  uint64_t number = 0;  // 0 is the session's first
  uint32_t merged =
      0;              // further windows that are in this one, since an earlier one was still being closed at their end
  bool last = false;  // of the session
  std::vector<CollectorOutcome> collectors;
};

// Where profiles go. Called on the closer's thread, one window at a time over all sessions. An error is logged by the
// engine and counted for the session; the next window comes all the same.
class ProfileSink {
 public:
  virtual ~ProfileSink() = default;
  virtual Result<void> take(profile::Profile profile, const WindowInfo& window) = 0;
};

struct SessionOptions {
  std::string name;  // for people and files: "continuous", "snapshot"
  uint32_t frequency_hz = 11;
  targets::Filter filter;
  std::chrono::nanoseconds window{0};  // 0: one window, until the session is stopped
  uint32_t windows = 0;                // ends by itself after so many; 0: until stopped
  bool inlines = false;                // source lines and inlined functions
  bool python_versions = true;         // packages in Python frames
  std::shared_ptr<ProfileSink> sink{};
  std::vector<std::shared_ptr<managed::Collector>> collectors{};  // run at the same time as each window
};

// What is given up while memory is short; all false: nothing.
struct Restraint {
  bool no_lines = false;         // no inlined functions and source lines, whatever sessions ask for
  bool no_cache_growth = false;  // caches are emptied when a window is done, the row pool gets no more segments
  bool no_collectors = false;    // windows begin without external collectors
};

// For status: a session as it stands.
struct SessionStatus {
  SessionId id = 0;
  std::string name;
  uint32_t frequency_hz = 0;
  std::vector<int32_t> pids;
  bool children = false;
  std::chrono::nanoseconds window{0};
  int64_t started_unix_ns = 0;
  int64_t window_end_unix_ns = 0;  // 0: open end
  uint64_t samples = 0;            // of all windows
  uint64_t windows_closed = 0;     // handed to the sink
  uint64_t windows_failed = 0;     // of those, the sink could not take
  uint64_t windows_merged = 0;     // "Previous snapshot still running"
  uint64_t collectors_timed_out = 0;
  uint64_t collectors_failed = 0;
  uint64_t recording_bytes = 0;  // of the open window
  bool closing = false;          // its last window is being named and written
  bool stopping = false;
  std::string last_error;
};

}  // namespace gp::session
