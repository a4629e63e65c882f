#include "session/reader.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

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
constexpr uint64_t kPerfMapNs = 500'000'000;   // between two looks for a process' perf map
constexpr uint64_t kForgetNs = 5'000'000'000;  // between two looks for processes that have ended
constexpr uint64_t kStartNs = 3'000'000'000;   // sampling starts when all files are looked at, or so long after
// A wake-up costs more than what one event brings: once some have come, those that follow gather for a millisecond.
constexpr uint64_t kGatherNs = 1'000'000;
constexpr int kThreadNice = -20;
constexpr uint64_t kThreadSliceNs =
    100'000;  // the least there is: what it is late by, the walker works with old tables
constexpr uint32_t kSessionBits = (1U << GP_SAMPLE_BANK_SHIFT) - 1;  // of gp_sample.sessions

ProcessKey key_of(const gp_sample& header) {
  return {.pid = static_cast<int32_t>(header.pid), .start_ticks = header.start_ticks};
}

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
                                              std::span<const targets::Runtime* const> runtimes, ReaderHooks hooks) {
  std::unique_ptr<Reader> reader(new Reader(sampler, loader, runtimes, std::move(hooks)));
  GP_ASSIGN(reader->wake_, os::make_eventfd());
  GP_TRY(reader->open_sideband());
  {
    const os::Haste haste(kThreadNice);  // a command or a user waits for the first sample
    reader->targets_.scan_all();
    // Runtimes are found in files: frames of those met before that would be lost.
    reader->wait_for_loader(kStartNs);
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
      if (sample) add_walked(sample->header, done->frames, sample->kernel, done->end, done->guessed, true);
    }
  }
}

void Reader::drain_ring() {
  const auto read = sampler_->consume([this](Bytes record) { on_record(record); });
  if (!read) ++unreadable_;
}

void Reader::on_record(Bytes record) {
  const auto header = read_at<gp_record_header>(record, 0);
  if (!header || header->size > record.size()) {
    ++unreadable_;
    return;
  }
  switch (header->type) {
    case GP_RECORD_SAMPLE: on_sample(record); break;
    case GP_RECORD_STACK_COPY: on_copy(record); break;
    case GP_RECORD_SYMBOL: on_symbol(record); break;
    default: ++unreadable_;
  }
}

void Reader::on_copy(Bytes record) {
  const auto header = read_at<gp_stack_copy>(record, 0);
  if (!header || sizeof(*header) + header->bytes > record.size()) return;
  Copy& copy = copies_[header->cpu];
  if (!copy.stack.empty() && copy.sequence == header->sequence) {
    copy.other.assign(record.begin(), record.end());
    return;
  }
  copy.sequence = header->sequence;
  copy.stack.assign(record.begin(), record.end());
  copy.other.clear();
}

void Reader::on_symbol(Bytes record) {
  const auto header = read_at<gp_symbol>(record, 0);
  if (!header) return;
  const ProcessKey process{.pid = static_cast<int32_t>(header->pid), .start_ticks = header->start_ticks};
  for (const targets::Runtime* runtime : runtimes_) {
    if (runtime->kind() != header->runtime) continue;
    if (auto symbol = runtime->decode(record, nullptr)) {
      symbol->kind = header->runtime;
      if (wants_packages_) find_package(process, *runtime, *symbol);
      code_.add({.process = process, .runtime = header->runtime, .cookie = header->cookie, .object = header->object},
                std::move(*symbol));
    }
  }
}

void Reader::find_package(ProcessKey process, const targets::Runtime& runtime, targets::CodeSymbol& symbol) {
  const targets::Process* known = targets_.find(process);
  if (known != nullptr) symbol.packages = packages_.names_of(*known->program, runtime, symbol.file);
}

void Reader::on_sample(Bytes record) {
  const auto sample = parse_sample(record);
  if (!sample) {
    ++unreadable_;
    return;
  }
  const gp_sample& header = sample->header;
  // What its process did before it was taken has to be known: fork, exec, mappings.
  if (header.time_ns > heard_ns_) drain_sideband();
  const uint32_t sessions = wanted_sessions(header);
  if (sessions == 0) return;
  gp_sample accepted = header;
  accepted.sessions = sessions;
  if (header.miss != 0 && defer(accepted, record)) return;
  add_walked(accepted, as_mapped_then(header, sample->frames), sample->kernel, static_cast<gp_walk_end>(header.end),
             (header.flags & GP_SAMPLE_GUESSED) != 0, false);
}

// The frames of a sample, corrected where the walker's table was behind what the process had mapped.
std::span<const gp_frame> Reader::as_mapped_then(const gp_sample& header, std::span<const gp_frame> frames) {
  const targets::Process* process = targets_.find(key_of(header));
  if (process == nullptr || !process->replaced.concern(header.time_ns)) return frames;
  corrected_.assign(frames.begin(), frames.end());
  process->replaced.correct(header.time_ns, corrected_);
  return corrected_;
}

uint32_t Reader::wanted_sessions(const gp_sample& header) {
  // The kernel samples a process until its table says that nobody wants it.
  const uint32_t wanted = targets_.sessions_of(key_of(header));
  uint32_t sessions = header.sessions;
  for (const auto& session : sessions_) {
    const uint32_t bit = 1U << session->slot();
    if ((sessions & bit) == 0) continue;
    if ((wanted & bit) != 0) {
      session->state().samples.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    sessions &= ~bit;
    if (Window* window = session->window_of(header.sessions, header.time_ns, false)) ++window->unwanted;
  }
  return (sessions & kSessionBits) == 0 ? 0 : sessions;
}

bool Reader::defer(const gp_sample& header, Bytes record) {
  const targets::Process* process = header.end == GP_END_PAGE_MISSING
                                        ? targets_.find(key_of(header))
                                        : targets_.look_again(key_of(header), header.miss, header.time_ns);
  const auto run = process != nullptr ? process->run_at(header.time_ns) : nullptr;
  if (!run) return false;
  const auto copy = copies_.find(header.cpu);
  if ((header.flags & GP_SAMPLE_HAS_COPY) == 0 || copy == copies_.end() || copy->second.stack.empty() ||
      copy->second.sequence != header.sequence) {
    request_missing(header);
    return false;
  }
  std::vector<uint8_t> sample(record.begin(), record.end());
  std::memcpy(sample.data(), &header, sizeof(header));
  process->replaced.correct(header.time_ns,
                            {reinterpret_cast<gp_frame*>(sample.data() + sizeof(header)), size_t{header.user_frames}});
  if (!loader_->post(targets::DeferredSample{.sample = std::move(sample),
                                             .copy = std::exchange(copy->second.stack, {}),
                                             .other = std::exchange(copy->second.other, {}),
                                             .run = run,
                                             .files = targets_.files_of(*run),
                                             .runtimes = targets_.entries_of(*process)})) {
    return false;
  }
  for (const auto& session : sessions_) {
    if ((header.sessions >> session->slot() & 1U) == 0) continue;
    if (Window* window = session->window_of(header.sessions, header.time_ns, false)) ++window->waiting;
  }
  return true;
}

// Has the page of a miss loaded for the samples to come; this one cannot be finished.
void Reader::request_missing(const gp_sample& header) {
  const targets::Process* process = targets_.find(key_of(header));
  if (process == nullptr) return;
  const auto after = process->mappings.upper_bound(header.miss);
  if (after == process->mappings.begin()) return;
  const targets::Mapping& mapping = std::prev(after)->second;
  if (header.miss >= mapping.end || !mapping.file) return;
  loader_->post(targets::PageRequest{.file = mapping.file,
                                     .page = (header.miss - mapping.start + mapping.offset) >> GP_PAGE_SHIFT});
}

std::shared_ptr<const targets::Program> Reader::program_of(const gp_sample& header) {
  if (const targets::Process* process = targets_.find(key_of(header))) return process->program_at(header.time_ns);
  // It came and went unseen: what the sample itself says is all there is.
  auto program = std::make_shared<targets::Program>();
  program->key = key_of(header);
  program->comm.assign(header.comm, ::strnlen(header.comm, sizeof(header.comm)));
  return program;
}

void Reader::add_walked(const gp_sample& header, std::span<const gp_frame> frames, std::span<const uint64_t> kernel,
                        gp_walk_end end, bool guessed, bool deferred) {
  touch_pages(frames, header.time_ns);
  WalkedSample sample{.header = &header,
                      .frames = frames,
                      .kernel = kernel,
                      .end = walk_end(end),
                      .guessed = guessed,
                      .deferred = deferred,
                      .program = program_of(header),
                      .code = &code_,
                      .budget_bytes = recording_budget_};
  for (const auto& session : sessions_) {
    if ((header.sessions >> session->slot() & 1U) == 0) continue;
    Window* window = session->window_of(header.sessions, header.time_ns, deferred);
    if (window == nullptr) continue;
    if (deferred && window->waiting > 0) --window->waiting;
    sample.weight_ns = std::max<uint64_t>(session->period_ns(), header.tick_ns);
    window->recording.add(sample, [this](uint32_t slot) -> const std::shared_ptr<targets::CodeFile>& {
      return targets_.file_in_slot(slot);
    });
  }
  ask_for_name(header);
  ask_for_more(header, frames);
}

// Its runtimes may have a name for the sample's thread.
void Reader::ask_for_name(const gp_sample& header) {
  const targets::Process* process = targets_.find(key_of(header));
  const auto knows = [process](const targets::Runtime* runtime) {
    return runtime->names_threads() && process->runtimes[runtime->kind() % GP_RUNTIME_SLOTS] != 0;
  };
  if (process == nullptr || std::ranges::none_of(runtimes_, knows)) return;
  auto request =
      thread_names_.meet(process->key, static_cast<int32_t>(header.tid), header.thread_pointer, header.time_ns);
  if (!request) return;
  request->runtimes = targets_.entries_of(*process);
  loader_->post(std::move(*request));
}

// What this stack lacked, for the next ones.
void Reader::ask_for_more(const gp_sample& header, std::span<const gp_frame> frames) {
  const auto unprepared = [](const gp_frame& frame) {
    return frame.kind == GP_FRAME_END && frame.value == GP_END_RUNTIME_NOT_LOADED;
  };
  const auto generated = [](const gp_frame& frame) { return frame.kind == GP_FRAME_JIT; };
  const bool attach = std::ranges::any_of(frames, unprepared);
  const bool jit = std::ranges::any_of(frames, generated);
  if (!attach && !jit) return;
  targets::Process* process = targets_.find(key_of(header));
  if (process == nullptr) return;
  if (attach) targets_.retry_attach(*process, header.time_ns);
  if (jit && header.time_ns > process->perf_map_ns + kPerfMapNs && process->perf_map_ns != UINT64_MAX) {
    process->perf_map_ns = header.time_ns;
    loader_->post(targets::PerfMapRequest{.process = process->key});
  }
}

// Tells the row pool which pages are in use.
void Reader::touch_pages(std::span<const gp_frame> frames, uint64_t time_ns) {
  auto& tables = sampler_->tables();
  const auto now_ms = static_cast<uint32_t>(time_ns / 1'000'000);
  for (const gp_frame& frame : frames) {
    if (frame.kind != GP_FRAME_NATIVE || frame.extra >= tables.files.size()) continue;
    const gp_file& file = tables.files[frame.extra];
    const uint64_t page = (frame.value >> GP_PAGE_SHIFT) - file.page_base;
    if (page >= file.page_count || file.page_first + page >= tables.page_used_ms.size()) continue;
    tables.page_used_ms[file.page_first + page].store(now_ms, std::memory_order_relaxed);
  }
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
