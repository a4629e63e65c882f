#include "session/closing.h"

#include <malloc.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>

#include "base/account.h"
#include "base/clock.h"
#include "managed/merge.h"
#include "os/event_fd.h"
#include "os/host.h"
#include "os/procfs.h"
#include "profile/tool_stacks.h"
#include "session/grid.h"

namespace gp::session {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;

profile::Profile describe(const ClosedWindow& closed, const std::string& event) {
  profile::Profile profile;
  profile.start_unix_ns = closed.start_unix_ns;
  profile.end_unix_ns = closed.end_unix_ns;
  profile.frequency_hz = closed.session->options.frequency_hz;
  profile.period_ns = kNsPerSecond / profile.frequency_hz;
  profile.event = event;
  profile.hostname = os::host_name();
  profile.kernel_release = os::kernel_release();
  profile.agent_version = GP_VERSION;
  return profile;
}

}  // namespace

Closing::Closing(ClosingOptions options) : options_(std::move(options)), symbolizer_(options_.names) {}

Result<std::unique_ptr<Closing>> Closing::start(ClosingOptions options) {
  std::unique_ptr<Closing> closing(new Closing(std::move(options)));
  GP_ASSIGN(closing->closed_, os::make_eventfd());
  Closing* const raw = closing.get();
  closing->executor_ = std::make_unique<Executor>(raw->options_.max_workers, [raw] {
    const std::lock_guard lock(raw->mutex_);
    raw->wake();
  });
  closing->thread_ = std::jthread([raw](const std::stop_token& stop) { raw->run(stop); });
  return closing;
}

Closing::~Closing() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  executor_.reset();  // its tasks wake us until then
}

void Closing::begin(const SessionState& session, const Window& window, uint64_t end_ns) {
  if (session.options.collectors.empty() || end_ns >= kNever || hurry_ || no_collectors_) return;
  const uint64_t patience = std::min(options_.profiler_timeout_ns, (end_ns - window.start_ns) / 2);
  const std::lock_guard lock(mutex_);
  const auto before = window.number == 0 ? runs_.end() : runs_.find({session.id, window.number - 1});
  runs_[{session.id, window.number}] = std::make_shared<CollectorRuns>(
      *executor_, session.options, end_ns, end_ns + patience, before == runs_.end() ? nullptr : before->second.get());
}

void Closing::post(ClosedWindow window) {
  const std::lock_guard lock(mutex_);
  // One that was ended early has no use for what its collectors would say about the time after.
  const auto runs = runs_.find({window.session->id, window.window->number});
  if (runs != runs_.end() && window.window->end_ns < runs->second->end_ns()) runs->second->cancel();
  waiting_bytes_ += window.window->recording.memory_bytes();
  windows_.push_back(std::move(window));
  wake();
}

void Closing::cancel_collectors() { executor_->cancel_all(); }

void Closing::hurry() {
  hurry_ = true;
  cancel_collectors();
  const std::lock_guard lock(mutex_);
  wake();
}

void Closing::wake() {
  ++changes_;
  changed_.notify_all();
}

void Closing::trim(size_t symbol_bytes) {
  const std::lock_guard lock(mutex_);
  trim_to_ = symbol_bytes;
  wake();
}

void Closing::restrain(const Restraint& what) {
  no_lines_ = what.no_lines;
  no_cache_growth_ = what.no_cache_growth;
  no_collectors_ = what.no_collectors;
}

void Closing::take_closed() { os::take_eventfd(closed_.get()); }

void Closing::run(const std::stop_token& stop) {
  ::pthread_setname_np(::pthread_self(), "gp-closer");
  while (!stop.stop_requested()) {
    if (auto window = next(stop)) close(std::move(*window));
    keep_budget();
  }
}

// When a window can be closed: at once, or when its collectors are done or late.
uint64_t Closing::ready_ns(const ClosedWindow& window) const {
  const auto runs = runs_.find({window.session->id, window.window->number});
  if (hurry_ || runs == runs_.end() || runs->second->done()) return 0;
  return runs->second->deadline_ns();
}

// The first window that is ready; nothing when there is something else to do.
std::optional<ClosedWindow> Closing::next(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested() && !trim_to_) {
    const auto first =
        std::ranges::min_element(windows_, {}, [this](const ClosedWindow& window) { return ready_ns(window); });
    const auto changed = [this, seen = changes_] { return changes_ != seen; };
    if (first == windows_.end()) {
      changed_.wait(lock, stop, changed);
      continue;
    }
    const uint64_t ready = ready_ns(*first);
    const uint64_t now = monotonic_ns();
    if (ready <= now) {
      ClosedWindow window = std::move(*first);
      windows_.erase(first);
      return window;
    }
    changed_.wait_for(lock, stop, std::chrono::nanoseconds(ready - now), changed);
  }
  return std::nullopt;
}

void Closing::close(ClosedWindow closed) {
  SessionState& session = *closed.session;
  const uint64_t bytes = closed.window->recording.memory_bytes();
  profile::Profile profile = describe(closed, options_.event);
  Closer(&symbolizer_, options_.runtimes, session.options.inlines && !no_lines_, session.options.python_versions)
      .close(closed.window->recording, profile);
  WindowInfo info{.session = session.id,
                  .session_name = session.options.name,
                  .number = closed.window->number,
                  .merged = closed.window->merged,
                  .last = closed.window->last,
                  .collectors = add_collected(session, *closed.window, profile)};
  closed.window.reset();
  waiting_bytes_ -= bytes;
  const Charge held(account("named profiles"), profile::memory_bytes(profile));
  finish(session, info.last, session.options.sink->take(std::move(profile), info));
}

std::vector<CollectorOutcome> Closing::add_collected(SessionState& session, const Window& window,
                                                     profile::Profile& profile) {
  std::shared_ptr<CollectorRuns> runs;
  {
    const std::lock_guard lock(mutex_);
    const auto found = runs_.find({session.id, window.number});
    if (found == runs_.end()) return {};
    runs = found->second;
    // The one before is of no use any more; this one tells the next which collectors are still at work.
    std::erase_if(runs_, [&](const auto& other) {
      return other.first.first == session.id && (window.last || other.first.second < window.number);
    });
  }
  std::vector<CollectorOutcome> outcomes;
  std::minstd_rand random(std::random_device{}());
  std::uniform_real_distribution<double> phase(0, 1);
  for (auto& part : runs->take()) {
    managed::merge_collection(part.name, part.collection, [&] { return phase(random); }, profile);
    for (const auto& failure : part.collection.failures) {
      const std::string whom = failure.process ? fmt::format(" (process {})", failure.process->pid) : std::string();
      spdlog::warn("session {}: {}: {}{}", session.options.name, part.name, failure.reason, whom);
      ++session.collectors_failed;
    }
    if (part.timed_out || !part.error.empty()) {
      managed::note_failure(part.name, part.timed_out ? "timed out" : part.error, profile);
    }
    if (part.timed_out) {
      spdlog::warn("Profiler {} timed out, skipping", part.name);
      ++session.collectors_timed_out;
    } else if (!part.error.empty()) {
      spdlog::warn("session {}: {}: {}", session.options.name, part.name, part.error);
      ++session.collectors_failed;
    }
    outcomes.push_back({.name = part.name, .error = part.error, .timed_out = part.timed_out});
  }
  profile::drop_unused(profile);
  return outcomes;
}

void Closing::finish(SessionState& session, bool last, const Result<void>& taken) {
  ++session.closed;
  if (!taken) {
    ++session.failed;
    spdlog::error("session {}: {}", session.options.name, taken.error().message());
  }
  const std::lock_guard lock(session.mutex);
  if (!taken) session.last_error = taken.error().message();
  session.ended |= last;
  --session.closing;
  static_cast<void>(os::signal_eventfd(closed_.get()));
  session.changed.notify_all();
}

void Closing::keep_budget() {
  std::optional<size_t> trim_to;
  {
    const std::lock_guard lock(mutex_);
    trim_to = std::exchange(trim_to_, std::nullopt);
  }
  const size_t kept = no_cache_growth_ ? 0 : options_.symbol_bytes;
  symbolizer_.shrink_to(std::min(kept, trim_to.value_or(kept)));
  symbol_bytes_ = symbolizer_.memory_bytes();
  // What a window took lies in pieces between what stays; the host is to have it back before the next one ends.
  ::malloc_trim(0);
}

}  // namespace gp::session
