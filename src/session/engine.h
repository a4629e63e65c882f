// The engine: one sampler, many sessions. Sessions come and go while sampling runs; each has its own filter, rate and
// windows, and none disturbs another.
//
//   engine ── commands ─▶ reader (windows, recordings) ── closed windows ─▶ closer (collectors, names) ─▶ sinks
//
// Owner thread: control, for every call. The engine's own threads: reader, loader, closer, executor workers.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "session/session.h"
#include "session/thread_dump.h"
#include "targets/runtime.h"

namespace gp::session {

struct EngineOptions {
  std::string symbol_cache = "/var/cache/gprofiler/symbols";  // "": indexes stay in memory
  std::span<const targets::Runtime* const> runtimes{};        // must outlive the engine
  bool walk_all = false;     // from the start, not each when it is met: what is to be sampled does not run yet
  uint32_t max_workers = 4;  // that run external collectors
  std::chrono::nanoseconds profiler_timeout = std::chrono::seconds(30);  // after a window; half its length at most
  size_t symbol_bytes = 24U << 20U;                                      // heap kept for names from window to window
};

// What the engine holds at the moment, in bytes unless the name says otherwise.
struct EngineFigures {
  uint64_t bpf_bytes = 0;       // all maps, as the kernel charges them
  uint64_t row_pool_bytes = 0;  // of those: unwind rows
  uint64_t symbols = 0;         // heap of the symbolizer
  uint64_t code = 0;            // names of interpreted code
  uint64_t recordings = 0;      // open windows of all sessions
  uint64_t closing = 0;         // windows waiting to be named
  uint64_t processes = 0;       // count
  uint32_t sampling_hz = 0;     // at which the kernel ticks
  uint32_t collectors_running = 0;
};

class Engine {
 public:
  // Loads the kernel side and reads the state of the host. No CPU is sampled until there is a session.
  static Result<std::unique_ptr<Engine>> start(const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Every CPU is being sampled for the session when this returns. kLimit: there are kMaxSessions already.
  Result<SessionId> start_session(SessionOptions options);
  // Ends the session's window now; its profile goes to the sink as usual, which has been called for the last time when
  // wait_closed() says so. kNotFound: no such session.
  Result<void> stop_session(SessionId id);
  // Ends the open window now, the next one begins at once and ends at the grid's next time.
  Result<void> end_window(SessionId id);
  // Until the session's last profile was handed over, or the time is up: false.
  bool wait_closed(SessionId id, std::chrono::nanoseconds limit);
  // External collectors that run are cancelled, their windows close without them.
  void cancel_collectors();
  // The same for all that would still come: what is open is to be closed soon.
  void hurry();

  [[nodiscard]] std::vector<SessionStatus> sessions() const;  // those that have not ended
  [[nodiscard]] std::vector<SessionStatus> ended() const;     // the last few that have
  [[nodiscard]] uint64_t samples(SessionId id) const;         // taken so far
  [[nodiscard]] uint32_t asked_rate_hz() const;               // the highest of all sessions; 0: there is none
  [[nodiscard]] EngineFigures figures() const;
  // Readable when some session's window was handed over since the last take_closed().
  [[nodiscard]] int closed_fd() const;
  void take_closed();

  // The stacks of all threads of a process now. Takes up to some seconds.
  Result<ThreadDump> dump(const DumpOptions& options);

  // What the governor asks for, mildest first.
  void trim(size_t symbol_bytes);  // caches down to so many bytes, at once; segments of unused rows are given back
  void restrain(const Restraint& what);    // until told otherwise
  void limit_recordings(size_t bytes);     // of each open window
  Result<void> cap_rate(uint32_t max_hz);  // the kernel ticks at most so often; 0: as sessions ask. Weights tell.
  void end_windows();                      // of all sessions, now
  // Ends windows, then a fresh sampler with empty tables under the same sessions. After an error all sessions
  // are lost, and the engine is good for nothing but to be destroyed.
  Result<void> restart_empty();

 private:
  struct State;
  void take_ended();
  explicit Engine(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace gp::session
