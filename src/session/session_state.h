// What the threads share of a session. Owner thread: any; each member says who writes.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "session/session.h"

namespace gp::session {

struct SessionState {
  SessionState(SessionId session, SessionOptions wanted) : id(session), options(std::move(wanted)) {}

  const SessionId id;
  const SessionOptions options;
  int64_t started_unix_ns = 0;  // control, before the reader knows of it

  // Reader.
  std::atomic<uint64_t> samples{0};
  std::atomic<uint64_t> recording_bytes{0};
  std::atomic<int64_t> window_end_unix_ns{0};
  std::atomic<uint64_t> merged{0};
  std::atomic<bool> stopping{false};
  std::atomic<uint64_t> next_window{0};  // its number
  // Windows the reader has handed over and the closer is not done with. The reader adds, the closer takes away.
  std::atomic<uint32_t> closing{0};

  // Closer.
  std::atomic<uint64_t> closed{0};
  std::atomic<uint64_t> failed{0};
  std::atomic<uint64_t> collectors_timed_out{0};
  std::atomic<uint64_t> collectors_failed{0};

  mutable std::mutex mutex;
  std::condition_variable changed;
  bool ended = false;      // the sink has had the last window
  std::string last_error;  // of sink or collector
};

}  // namespace gp::session
