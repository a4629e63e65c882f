#include "session/reader.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>

#include "base/clock.h"
#include "os/event_fd.h"
#include "os/host.h"
#include "os/scheduling.h"
#include "session/sample_record.h"

namespace gp::session {
namespace {

constexpr uint64_t kPollNs = 100'000'000;      // samples wait this long at most
constexpr uint64_t kSettlePollNs = 1'000'000;  // between two looks whether an ended window is complete
constexpr uint64_t kHousekeepingNs = 200'000'000;
constexpr uint64_t kHotplugNs = 1'000'000'000;
constexpr uint64_t kForgetNs = 5'000'000'000;  // between two looks for processes that have ended
constexpr uint64_t kStartNs = 3'000'000'000;   // sampling starts when all files are looked at, or so long after
// A wake-up costs more than what one event brings: once some have come, those that follow gather for a millisecond.
constexpr uint64_t kGatherNs = 1'000'000;
constexpr int kThreadNice = -20;
constexpr uint64_t kThreadSliceNs =
    100'000;  // the least there is: what it is late by, the walker works with old tables

// The text an event points to in the ring.
std::string_view text_of(const os::SidebandEvent& event) {
  if (const auto* mmap = std::get_if<os::MmapEvent>(&event.body)) return mmap->path;
  if (const auto* comm = std::get_if<os::CommEvent>(&event.body)) return comm->name;
  return {};
}

}  // namespace

Reader::Reader(sampling::Sampler* sampler, targets::Loader* loader, std::span<const targets::Runtime* const> runtimes,
               ReaderHooks hooks)
    : sampler_(sampler),
      loader_(loader),
      runtimes_(runtimes.begin(), runtimes.end()),
      hooks_(std::move(hooks)),
      targets_(&sampler->tables(), loader) {}

Result<std::unique_ptr<Reader>> Reader::start(sampling::Sampler* sampler, targets::Loader* loader,
                                              std::span<const targets::Runtime* const> runtimes,
                                              sampling::RuntimeSet walked, ReaderHooks hooks) {
  std::unique_ptr<Reader> reader(new Reader(sampler, loader, runtimes, std::move(hooks)));
  GP_ASSIGN(reader->wake_, os::make_eventfd());
  GP_TRY(reader->open_sideband());
  {
    const os::Haste haste(kThreadNice);  // a command or a user waits for the first sample
    reader->targets_.scan_all();
    // Runtimes are found in files: frames of those met before that would be lost.
    reader->wait_for_loader(kStartNs);
    GP_TRY(sampler->program().walk(reader->met_ | walked));
  }
  reader->thread_ = std::jthread([raw = reader.get()](const std::stop_token& stop) { raw->run(stop); });
  return reader;
}

Reader::~Reader() {
  thread_.request_stop();
  static_cast<void>(os::signal_eventfd(wake_.get()));
}

Result<void> Reader::open_sideband() {
  GP_ASSIGN(const std::vector<int> cpus, os::online_cpus());
  Result<void> failure;
  for (const int cpu : cpus) {
    if (std::ranges::find(sideband_cpus_, cpu) != sideband_cpus_.end()) continue;
    auto ring = os::SidebandRing::open(cpu);
    if (ring) {
      if (auto enabled = ring->enable(); !enabled) return enabled;
      sideband_.push_back(std::move(*ring));
      sideband_cpus_.push_back(cpu);
    } else {
      failure = std::unexpected(std::move(ring).error());
    }
  }
  return sideband_.empty() ? failure : Result<void>();
}

void Reader::run(const std::stop_token& stop) {
  ::pthread_setname_np(::pthread_self(), "gp-reader");
  os::run_soon(kThreadNice, kThreadSliceNs);
  while (!stop.stop_requested()) {
    wait_for_work();
    take_calls();
    turn();
  }
}

void Reader::wait_for_work() {
  std::vector<pollfd> waiting;
  waiting.reserve(sideband_.size() + 3);
  waiting.push_back({.fd = wake_.get(), .events = POLLIN, .revents = 0});
  waiting.push_back({.fd = sampler_->ring_fd(), .events = POLLIN, .revents = 0});
  waiting.push_back({.fd = loader_->result_fd(), .events = POLLIN, .revents = 0});
  if (!gathering_) {
    for (const auto& ring : sideband_) waiting.push_back({.fd = ring.fd(), .events = POLLIN, .revents = 0});
  }
  uint64_t wait_ns = gathering_ ? kGatherNs : kPollNs;
  const uint64_t now = monotonic_ns();
  for (const auto& session : sessions_) {
    const uint64_t due = session->due_ns();
    wait_ns = std::min(wait_ns, due > now ? due - now : kSettlePollNs);
  }
  const timespec wait{.tv_sec = 0, .tv_nsec = static_cast<int64_t>(wait_ns)};
  static_cast<void>(::ppoll(waiting.data(), waiting.size(), &wait, nullptr));
}

void Reader::turn() {
  const uint64_t now = monotonic_ns();
  drain_sideband();
  take_results();
  drain_ring();
  if (sampled_) sampler_->program().walk_soon(~sampling::RuntimeSet{0});
  turn_sessions(now);
  housekeeping(now);
}

// Rings are per CPU, a process is not: events are applied in the order of their times, and those that came while we
// read wait for the next turn, since an earlier one may still be in a ring already read.
void Reader::drain_sideband() {
  const uint64_t begun = monotonic_ns();
  const size_t before = events_.size();
  for (auto& ring : sideband_) {
    ring.drain([this](const os::SidebandEvent& event) {
      events_.push_back({.event = event, .text = std::string(text_of(event)), .order = events_read_++});
    });
  }
  const bool came = events_.size() > before;
  std::ranges::sort(events_, {}, [](const Event& event) { return std::pair(event.event.time_ns, event.order); });
  size_t applied = 0;
  for (; applied < events_.size() && events_[applied].event.time_ns <= begun; ++applied) {
    Event& event = events_[applied];
    if (auto* mmap = std::get_if<os::MmapEvent>(&event.event.body)) mmap->path = event.text;
    if (auto* comm = std::get_if<os::CommEvent>(&event.event.body)) comm->name = event.text;
    targets_.apply(event.event);
  }
  events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(applied));
  heard_ns_ = begun;
  targets_.publish();
  gathering_ = came || !events_.empty();  // some may be held back for the order of their times
}

void Reader::take_results() {
  for (auto& result : loader_->take_results()) {
    if (auto* file = std::get_if<targets::FileDone>(&result)) {
      targets_.take(*file);
      for (const targets::RuntimeFile& runtime : file->file->runtimes)
        met_ |= runtime.supported ? 1U << runtime.kind : 0;
    } else if (auto* changed = std::get_if<targets::FileChanged>(&result)) {
      targets_.take(*changed);
    } else if (auto* attached = std::get_if<targets::AttachDone>(&result)) {
      targets_.take(*attached);
    } else if (auto* map = std::get_if<targets::PerfMapDone>(&result)) {
      targets::Process* process = map->fd ? targets_.find(map->process) : nullptr;
      if (process != nullptr) process->perf_map_ns = UINT64_MAX;
      if (map->namespace_pid != 0) perf_maps_.keep(map->process, map->namespace_pid, std::move(map->fd));
    } else if (auto* names = std::get_if<targets::ThreadNamesDone>(&result)) {
      thread_names_.take(*names);
    } else if (auto* thread = std::get_if<targets::LiveDone>(&result)) {
      take(*thread);
    } else if (auto* done = std::get_if<targets::DeferredDone>(&result)) {
      const auto sample = parse_sample(done->sample);
      if (!sample) continue;
      add_walked(sample->header, done->frames, sample->kernel,
                 {.end = done->end, .guessed = done->guessed, .deferred = true, .program = std::move(done->program)});
    }
  }
}

void Reader::drain_ring() {
  const auto read = sampler_->consume([this](Bytes record) { on_record(record); });
  if (!read) ++unreadable_;
  sampled_ |= read.value_or(0) > 0;
}

void Reader::housekeeping(uint64_t now_ns) {
  loader_->check_stuck(now_ns);
  packages_.check_stuck(now_ns);
  if (now_ns - last_housekeeping_ns_ > kHousekeepingNs) {
    last_housekeeping_ns_ = now_ns;
    targets_.collect();
    for (const auto& session : sessions_) {
      Window* const window = session->current();
      if (window == nullptr) continue;
      window->charge.set(window->recording.memory_bytes());
      session->state().recording_bytes = window->charge.bytes();
    }
  }
  if (now_ns - last_hotplug_ns_ > kHotplugNs) {
    last_hotplug_ns_ = now_ns;
    static_cast<void>(open_sideband());
    if (sampler_->attached()) static_cast<void>(sampler_->attach());
  }
  if (now_ns - last_forget_ns_ > kForgetNs) {
    last_forget_ns_ = now_ns;
    forget_ended(now_ns);
  }
}

void Reader::wait_for_loader(uint64_t limit_ns) {
  const uint64_t end = monotonic_ns() + limit_ns;
  while (!loader_->idle() && monotonic_ns() < end) {
    pollfd waiting{.fd = loader_->result_fd(), .events = POLLIN, .revents = 0};
    static_cast<void>(::poll(&waiting, 1, 1));
    take_results();
    loader_->check_stuck(monotonic_ns());
  }
}

// Names of code go with their process, but for those that open windows hold; perf maps and names of threads have to stay until
// the windows that may want them are closed.
void Reader::forget_ended(uint64_t now_ns) {
  const auto has_ended = [this](ProcessKey process) { return targets_.find(process) == nullptr; };
  code_.forget_processes(has_ended);
  packages_.forget_unused();
  if (code_.wants_aging()) {
    code_.age();
    sampler_->forget_symbols();
  }
  const bool open = std::ranges::any_of(sessions_, [now_ns](const auto& session) {
    return session->current() != nullptr && now_ns - session->current()->start_ns > kForgetNs;
  });
  if (open) return;
  perf_maps_.forget_processes(has_ended);
  thread_names_.forget_processes(has_ended);
}

}  // namespace gp::session
