#include "session/engine.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <map>

#include "base/clock.h"
#include "os/procfs.h"
#include "os/scheduling.h"
#include "sampling/sampler.h"
#include "session/closing.h"
#include "session/reader.h"
#include "session/session_state.h"
#include "targets/loader.h"

namespace gp::session {
namespace {

constexpr size_t kEndedKept = 16;
constexpr uint32_t kDumpHz = 499;  // threads that run are to be caught in a moment
constexpr auto kDumpLimit = std::chrono::minutes(2);
constexpr auto kEndingLimit = std::chrono::seconds(3);  // for the last windows, when the engine goes

// Tables big enough for four times the processes that run now; 32 executable mappings each (a Python or Java process
// has 20 to 60, most others share theirs with their parent).
sampling::SamplerOptions sampler_options() {
  sampling::SamplerOptions sizes;
  const auto processes = os::list_processes();
  const auto count = static_cast<uint32_t>(processes ? processes->size() : 0) * 4;
  sizes.process_buckets = std::clamp(std::bit_ceil(count / GP_BUCKET_ENTRIES * 2), 1024U, 16384U);
  sizes.runtimes = std::clamp(std::bit_ceil(count), 1024U, 16384U);
  sizes.mappings = std::clamp(std::bit_ceil(count * 32), 32768U, 524288U);
  return sizes;
}

SessionStatus status_of(const SessionState& state) {
  SessionStatus status{.id = state.id,
                       .name = state.options.name,
                       .frequency_hz = state.options.frequency_hz,
                       .pids = state.options.filter.pids,
                       .children = state.options.filter.children,
                       .window = state.options.window,
                       .started_unix_ns = state.started_unix_ns,
                       .window_end_unix_ns = state.window_end_unix_ns,
                       .samples = state.samples,
                       .windows_closed = state.closed,
                       .windows_failed = state.failed,
                       .windows_merged = state.merged,
                       .collectors_timed_out = state.collectors_timed_out,
                       .collectors_failed = state.collectors_failed,
                       .recording_bytes = state.recording_bytes,
                       .closing = state.closing > 0,
                       .stopping = state.stopping,
                       .last_error = {}};
  const std::lock_guard lock(state.mutex);
  status.last_error = state.last_error;
  return status;
}

}  // namespace

struct Engine::State {
  EngineOptions options;
  SessionId last_id = 0;
  std::map<SessionId, std::shared_ptr<SessionState>> sessions;
  std::deque<SessionStatus> ended;
  Restraint restraint;
  uint32_t max_hz = 0;  // 0: as sessions ask
  size_t recording_bytes = kMaxRecordingBytes;
  // Destroyed in reverse: the reader uses the loader, which uses the sampler's tables; both hand over to the closer.
  std::unique_ptr<Closing> closing;
  std::unique_ptr<sampling::Sampler> sampler;
  std::unique_ptr<targets::Loader> loader;
  std::unique_ptr<Reader> reader;

  Result<void> load() {
    constexpr int kNice = -20;
    const os::Haste haste(kNice);  // somebody waits for it
    GP_ASSIGN(sampler, sampling::Sampler::load(sampler_options()));
    return {};
  }
  Result<void> start_reading() {
    loader = std::make_unique<targets::Loader>(&sampler->tables(), sampler.get(), options.runtimes,
                                               targets::LoaderOptions{});
    Closing* const to = closing.get();
    sampling::RuntimeSet walked = 0;
    for (const targets::Runtime* runtime : options.runtimes) walked |= options.walk_all ? 1U << runtime->kind() : 0;
    GP_ASSIGN(reader, Reader::start(sampler.get(), loader.get(), options.runtimes, walked,
                                    {.closed = [to](ClosedWindow window) { to->post(std::move(window)); },
                                     .begun = [to](const SessionState& session, const Window& window,
                                                   uint64_t end_ns) { to->begin(session, window, end_ns); }}));
    return {};
  }
  // The sessions and limits of before, on a new sampler.
  Result<void> resume() {
    GP_TRY(load());
    GP_TRY(start_reading());
    loader->post(targets::ShrinkRequest{.give_back = false, .refuse_growth = restraint.no_cache_growth});
    reader->limit_recordings(recording_bytes);
    GP_TRY(reader->cap_rate(max_hz));
    for (const auto& [id, session] : sessions) {
      if (session->stopping) continue;
      GP_TRY(reader->open(session, session->next_window));
    }
    return {};
  }
};

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Engine>> Engine::start(const EngineOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  GP_TRY(state->load());
  symbols::SymbolizerOptions names;
  names.cache_directory = options.symbol_cache;
  GP_ASSIGN(state->closing,
            Closing::start({.names = std::move(names),
                            .runtimes = options.runtimes,
                            .symbol_bytes = options.symbol_bytes,
                            .event = std::string(os::sampling_source_name(state->sampler->source())),
                            .max_workers = options.max_workers,
                            .profiler_timeout_ns = static_cast<uint64_t>(options.profiler_timeout.count())}));
  GP_TRY(state->start_reading());
  return std::unique_ptr<Engine>(new Engine(std::move(state)));
}

Engine::~Engine() {
  hurry();
  const auto open = state_->sessions;
  for (const auto& [id, session] : open) static_cast<void>(stop_session(id));
  for (const auto& [id, session] : open) static_cast<void>(wait_closed(id, kEndingLimit));
}

Result<SessionId> Engine::start_session(SessionOptions options) {
  auto session = std::make_shared<SessionState>(++state_->last_id, std::move(options));
  session->started_unix_ns = wall_ns();
  GP_TRY(state_->reader->open(session));
  state_->sessions.emplace(session->id, session);
  return session->id;
}

Result<void> Engine::stop_session(SessionId id) {
  if (!state_->sessions.contains(id)) return fail(ErrorCode::kNotFound, fmt::format("there is no session {}", id));
  state_->reader->stop(id);
  return {};
}

Result<void> Engine::end_window(SessionId id) {
  if (!state_->sessions.contains(id)) return fail(ErrorCode::kNotFound, fmt::format("there is no session {}", id));
  state_->reader->end_window(id);
  return {};
}

bool Engine::wait_closed(SessionId id, std::chrono::nanoseconds limit) {
  const auto found = state_->sessions.find(id);
  if (found == state_->sessions.end()) return true;
  const auto session = found->second;
  {
    std::unique_lock lock(session->mutex);
    if (!session->changed.wait_for(lock, limit, [&] { return session->ended; })) return false;
  }
  take_ended();
  return true;
}

void Engine::take_ended() {
  std::erase_if(state_->sessions, [this](const auto& session) {
    {
      const std::lock_guard lock(session.second->mutex);
      if (!session.second->ended) return false;
    }
    state_->ended.push_back(status_of(*session.second));
    if (state_->ended.size() > kEndedKept) state_->ended.pop_front();
    return true;
  });
}

void Engine::cancel_collectors() { state_->closing->cancel_collectors(); }

void Engine::hurry() { state_->closing->hurry(); }

std::vector<SessionStatus> Engine::sessions() const {
  std::vector<SessionStatus> all;
  for (const auto& [id, session] : state_->sessions) all.push_back(status_of(*session));
  return all;
}

std::vector<SessionStatus> Engine::ended() const { return {state_->ended.begin(), state_->ended.end()}; }

uint64_t Engine::samples(SessionId id) const {
  const auto found = state_->sessions.find(id);
  return found == state_->sessions.end() ? 0 : found->second->samples.load();
}

uint32_t Engine::asked_rate_hz() const {
  uint32_t hz = 0;
  for (const auto& [id, session] : state_->sessions) {
    if (!session->stopping) hz = std::max(hz, session->options.frequency_hz);
  }
  return hz;
}

EngineFigures Engine::figures() const {
  const Reader::Figures reader = state_->reader->figures();
  return {.bpf_bytes = state_->sampler->memory_bytes(),
          .row_pool_bytes = state_->loader->stats().rows_bytes,
          .symbols = state_->closing->symbol_bytes(),
          .code = reader.code_bytes,
          .recordings = reader.recording_bytes,
          .closing = state_->closing->waiting_bytes(),
          .processes = reader.processes,
          .sampling_hz = reader.sampling_hz,
          .collectors_running = state_->closing->collectors_running()};
}

Result<ThreadDump> Engine::dump(const DumpOptions& options) {
  ThreadDumper dumper(*state_->reader, options.pid);
  GP_ASSIGN(const SessionId sampled, start_session({.name = "dump",
                                                    .frequency_hz = kDumpHz,
                                                    .filter = {.pids = {options.pid}},
                                                    .inlines = options.inlines,
                                                    .python_versions = options.python_versions,
                                                    .sink = dumper.sampled_sink()}));
  const auto walked =
      std::make_shared<SessionState>(++state_->last_id, SessionOptions{.name = "dump",
                                                                       .frequency_hz = kDumpHz,
                                                                       .filter = {},
                                                                       .inlines = options.inlines,
                                                                       .python_versions = options.python_versions,
                                                                       .sink = dumper.walked_sink()});
  walked->started_unix_ns = wall_ns();
  const auto gathered = dumper.gather(walked);
  GP_TRY(stop_session(sampled));
  if (gathered) state_->sessions.emplace(walked->id, walked);
  const bool closed = wait_closed(sampled, kDumpLimit) && wait_closed(walked->id, kDumpLimit);
  GP_TRY(gathered);
  if (!closed) return fail(ErrorCode::kSystem, "the stacks could not be named in time");
  return dumper.finish();
}

int Engine::closed_fd() const { return state_->closing->closed_fd(); }

void Engine::take_closed() {
  state_->closing->take_closed();
  take_ended();
}

void Engine::trim(size_t symbol_bytes) {
  state_->closing->trim(symbol_bytes);
  state_->reader->age();
  state_->loader->post(targets::ShrinkRequest{.give_back = true, .refuse_growth = state_->restraint.no_cache_growth});
}

void Engine::restrain(const Restraint& what) {
  state_->restraint = what;
  state_->closing->restrain(what);
  state_->loader->post(targets::ShrinkRequest{.give_back = false, .refuse_growth = what.no_cache_growth});
}

void Engine::limit_recordings(size_t bytes) {
  state_->recording_bytes = bytes;
  state_->reader->limit_recordings(bytes);
}

Result<void> Engine::cap_rate(uint32_t max_hz) {
  state_->max_hz = max_hz;
  return state_->reader->cap_rate(max_hz);
}

void Engine::end_windows() {
  for (const auto& [id, session] : state_->sessions) state_->reader->end_window(id);
}

Result<void> Engine::restart_empty() {
  state_->reader->suspend();
  state_->reader.reset();
  state_->loader.reset();
  state_->sampler.reset();
  auto resumed = state_->resume();
  if (!resumed) state_->sessions.clear();
  return resumed;
}

}  // namespace gp::session
