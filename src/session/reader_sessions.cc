// The reader's sessions: they come and go, their windows turn, and the sampler's rate follows what they ask for.
#include <algorithm>
#include <future>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "os/event_fd.h"
#include "os/host.h"
#include "session/reader.h"

namespace gp::session {
namespace {

constexpr auto kSuspendPoll = std::chrono::milliseconds(2);  // between two looks whether all windows are handed over

}  // namespace

void Reader::turn_sessions(uint64_t now_ns) {
  const auto due = [now_ns](const auto& session) { return session->unsettled() || session->due_ns() <= now_ns; };
  if (std::ranges::none_of(sessions_, due)) return;
  const OpenSession::Surroundings now = surroundings(now_ns);
  for (const auto& session : sessions_) {
    if (auto window = session->turn(now)) hand_over(*session, std::move(window));
    if (session->take_begun()) begin_window(*session);
  }
  const auto ended = [this](const auto& session) {
    if (!session->ended()) return false;
    targets_.remove_session(session->slot());
    return true;
  };
  if (std::erase_if(sessions_, ended) == 0) return;
  static_cast<void>(adapt_rate());
  wants_packages_ =
      std::ranges::any_of(sessions_, [](const auto& session) { return session->state().options.python_versions; });
}

OpenSession::Surroundings Reader::surroundings(uint64_t now_ns) const {
  const sampling::SamplerCounts counts = sampler_->counts();
  return {.now_ns = now_ns,
          .ticks = {.runs = counts.kernel.runs, .missed = counts.missed},
          .unreadable = unreadable_,
          .ticking = sampler_->attached(),
          .loader_idle = loader_->idle()};
}

void Reader::hand_over(OpenSession& session, std::unique_ptr<Window> window) {
  window->recording.take_late_names(code_);
  window->recording.seal();
  const auto loading = loader_->stats();
  window->recording.quality().hung_files = loading.stuck_files;
  window->recording.quality().loading_stopped = loading.stopped;
  window->charge.set(window->recording.memory_bytes());
  perf_maps_.give_to(window->recording);
  thread_names_.give_to(window->recording);
  const int64_t wall_offset = wall_ns() - static_cast<int64_t>(monotonic_ns());
  const int64_t start_ns = wall_offset + static_cast<int64_t>(window->start_ns);
  const int64_t end_ns = wall_offset + static_cast<int64_t>(window->end_ns);
  ++session.state().closing;
  hooks_.closed({.session = session.shared_state(),
                 .window = std::move(window),
                 .start_unix_ns = start_ns,
                 .end_unix_ns = end_ns});
}

void Reader::begin_window(OpenSession& session) {
  // Each window looks for perf maps again.
  for (const auto& [pid, process] : targets_.processes()) {
    if (process->perf_map_ns == UINT64_MAX) process->perf_map_ns = 0;
  }
  const uint64_t end = session.window_end_ns();
  session.state().window_end_unix_ns =
      end == kNever ? 0 : wall_ns() + static_cast<int64_t>(end) - static_cast<int64_t>(monotonic_ns());
  hooks_.begun(session.state(), *session.current(), end);
}

void Reader::call(const std::function<void()>& work) {
  std::promise<void> done;
  {
    const std::lock_guard lock(calls_mutex_);
    calls_.push_back([&] {
      work();
      done.set_value();
    });
  }
  static_cast<void>(os::signal_eventfd(wake_.get()));
  done.get_future().wait();
}

void Reader::take_calls() {
  os::take_eventfd(wake_.get());
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(calls_mutex_);
    calls.swap(calls_);
  }
  for (const auto& work : calls) work();
}

Result<void> Reader::open(std::shared_ptr<SessionState> state, uint64_t first_window) {
  Result<void> result;
  call([&] { result = add_session(state, first_window); });
  return result;
}

Result<void> Reader::add_session(const std::shared_ptr<SessionState>& state, uint64_t first_window) {
  uint32_t slot = 0;
  const auto used = [&slot](const auto& session) { return session->slot() == slot; };
  while (slot < kMaxSessions && std::ranges::any_of(sessions_, used)) ++slot;
  if (slot == kMaxSessions) return fail(ErrorCode::kLimit, fmt::format("there are {} sessions already", kMaxSessions));
  targets_.add_session(slot, state->options.filter);
  sessions_.push_back(
      std::make_unique<OpenSession>(slot, &sampler_->sessions(), state, first_window, surroundings(monotonic_ns())));
  if (auto ready = adapt_rate(); !ready) {
    sessions_.pop_back();
    sampler_->sessions().close(slot);
    targets_.remove_session(slot);
    return ready;
  }
  sessions_.back()->take_begun();
  begin_window(*sessions_.back());
  if (state->options.python_versions && !std::exchange(wants_packages_, true)) {
    // Code met before has nothing that says where it comes from.
    code_.age();
    sampler_->forget_symbols();
  }
  return {};
}

OpenSession* Reader::find_session(SessionId id) {
  const auto found = std::ranges::find_if(sessions_, [id](const auto& session) { return session->state().id == id; });
  return found == sessions_.end() ? nullptr : found->get();
}

// The sampler ticks as often as the most demanding session asks, and not at all without one.
Result<void> Reader::adapt_rate() {
  uint32_t hz = 0;
  for (const auto& session : sessions_) {
    if (!session->stopped()) hz = std::max(hz, session->state().options.frequency_hz);
  }
  if (hz == 0) {
    sampler_->stop();
    return {};
  }
  GP_TRY(sampler_->set_rate(max_hz_ == 0 ? hz : std::min(hz, max_hz_)));
  return sampler_->attached() ? Result<void>() : sampler_->attach();
}

void Reader::stop(SessionId id) {
  call([&] {
    OpenSession* session = find_session(id);
    if (session == nullptr) return;
    session->stop(monotonic_ns());
    static_cast<void>(adapt_rate());
  });
}

void Reader::suspend() {
  call([&] {
    for (const auto& session : sessions_) session->stop(monotonic_ns(), false);
    static_cast<void>(adapt_rate());
  });
  for (bool open = true; open;) {
    std::this_thread::sleep_for(kSuspendPoll);
    call([&] { open = !sessions_.empty(); });
  }
}

void Reader::end_window(SessionId id) {
  call([&] {
    if (OpenSession* session = find_session(id)) session->end_window(monotonic_ns());
  });
}

Result<void> Reader::cap_rate(uint32_t max_hz) {
  Result<void> result;
  call([&] {
    max_hz_ = max_hz;
    result = adapt_rate();
  });
  return result;
}

void Reader::limit_recordings(size_t bytes) {
  call([&] { recording_budget_ = bytes; });
}

void Reader::age() {
  call([&] {
    code_.age();
    sampler_->forget_symbols();
  });
}

Reader::Figures Reader::figures() {
  Figures figures;
  call([&] {
    figures.code_bytes = code_.memory_bytes();
    figures.processes = targets_.process_count();
    figures.sampling_hz = sampler_->attached() ? sampler_->rate() : 0;
    for (const auto& session : sessions_) {
      if (const Window* window = session->current()) figures.recording_bytes += window->recording.memory_bytes();
    }
  });
  return figures;
}

}  // namespace gp::session
