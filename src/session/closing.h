// The closer's thread: takes windows that have ended, waits for their external collectors as long as these may take,
// names what was recorded and hands the profile to the session's sink. Sampling goes on meanwhile.
// Names that were looked up are kept from window to window, within a budget.
//
// Owner thread: control makes and ends it; begin() and post() are the reader's; the others are for any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "os/unique_fd.h"
#include "session/closed_window.h"
#include "session/closer.h"
#include "session/collector_runs.h"
#include "session/executor.h"
#include "symbols/symbolizer.h"

namespace gp::session {

struct ClosingOptions {
  symbols::SymbolizerOptions names;
  std::span<const targets::Runtime* const> runtimes;
  size_t symbol_bytes = 0;  // heap kept between windows
  std::string event;        // what makes the samples come
  uint32_t max_workers = 1;
  uint64_t profiler_timeout_ns = 0;  // half a window at most
};

class Closing {
 public:
  static Result<std::unique_ptr<Closing>> start(ClosingOptions options);
  // Windows that still wait are lost.
  ~Closing();
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

  // A window has begun: so do its collectors.
  void begin(const SessionState& session, const Window& window, uint64_t end_ns);
  void post(ClosedWindow window);

  void cancel_collectors();        // that run now
  void hurry();                    // and those to come: nobody waits any more
  void trim(size_t symbol_bytes);  // once, soon
  void restrain(const Restraint& what);

  [[nodiscard]] uint64_t symbol_bytes() const { return symbol_bytes_; }
  [[nodiscard]] uint64_t waiting_bytes() const { return waiting_bytes_; }
  [[nodiscard]] uint32_t collectors_running() const { return executor_->running(); }
  [[nodiscard]] int closed_fd() const { return closed_.get(); }  // readable after a sink was called
  void take_closed();

 private:
  using Key = std::pair<SessionId, uint64_t>;  // session, number of the window

  explicit Closing(ClosingOptions options);
  void run(const std::stop_token& stop);
  std::optional<ClosedWindow> next(const std::stop_token& stop);
  [[nodiscard]] uint64_t ready_ns(const ClosedWindow& window) const;
  void wake();  // with mutex_ held
  void close(ClosedWindow closed);
  std::vector<CollectorOutcome> add_collected(SessionState& session, const Window& window, profile::Profile& profile);
  void finish(SessionState& session, bool last, const Result<void>& taken);
  void keep_budget();

  ClosingOptions options_;
  symbols::Symbolizer symbolizer_;  // the closer's thread alone
  os::UniqueFd closed_;
  std::atomic<bool> no_lines_{false};
  std::atomic<bool> no_cache_growth_{false};
  std::atomic<bool> no_collectors_{false};
  std::atomic<bool> hurry_{false};
  std::atomic<uint64_t> symbol_bytes_{0};
  std::atomic<uint64_t> waiting_bytes_{0};

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  uint64_t changes_ = 0;
  std::deque<ClosedWindow> windows_;
  std::map<Key, std::shared_ptr<CollectorRuns>> runs_;
  std::optional<size_t> trim_to_;

  std::unique_ptr<Executor> executor_;
  std::jthread thread_;
};

}  // namespace gp::session
