// The reader: follows the sideband, keeps the walker's tables true, reads samples and adds them to the windows of the
// sessions that took them. Its thread runs at nice -20: how soon it hears of a new process decides whether the
// process' first samples can be walked where they are taken.
//
// Public functions are for the control thread, which they may keep waiting for one turn of the reader's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "bpf/abi/threads.h"
#include "os/perf_event.h"
#include "os/unique_fd.h"
#include "sampling/sampler.h"
#include "session/closed_window.h"
#include "session/code_table.h"
#include "session/open_session.h"
#include "session/package_finder.h"
#include "session/perf_maps.h"
#include "session/thread_names.h"
#include "targets/loader.h"
#include "targets/targets.h"

namespace gp::session {

// Called on the reader's thread; to return at once.
struct ReaderHooks {
  std::function<void(ClosedWindow)> closed;
  // A window has begun; it ends at `end_ns` of CLOCK_MONOTONIC unless it is told to earlier (kNever: it must be).
  std::function<void(const SessionState&, const Window&, uint64_t end_ns)> begun;
};

// A thread that was walked where it waits.
struct WalkedThread {
  gp_thread_state state{};
  targets::LiveDone done;
};

// For people: what a process is, and how its runtimes were recognised.
struct ProcessDescription {
  int32_t pid = 0;
  std::string comm;
  std::string executable;
  std::string container_id;             // 64 hex digits or empty
  std::vector<std::string> runtimes;    // "python 3.11.2 in /usr/bin/python3.11, found by …"
  std::vector<std::string> hindrances;  // of walks
};

class Reader {
 public:
  // `sampler` must be loaded, not attached. Opens the sideband, reads the state of the host and has the runtimes that were
  // met walked, and those of `walked`; no CPU ticks yet. The others follow after the first samples.
  static Result<std::unique_ptr<Reader>> start(sampling::Sampler* sampler, targets::Loader* loader,
                                               std::span<const targets::Runtime* const> runtimes,
                                               sampling::RuntimeSet walked, ReaderHooks hooks);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Every CPU is being sampled for the session when this returns; its windows are numbered from `first_window`.
  Result<void> open(std::shared_ptr<SessionState> state, uint64_t first_window = 0);
  void stop(SessionId id);
  // Ends all windows and returns when they are handed over; sessions that were not stopped can go on with another reader.
  void suspend();
  void end_window(SessionId id);
  Result<void> cap_rate(uint32_t max_hz);  // 0: none
  // What each open window may hold; more samples with new stacks are lost as over budget.
  void limit_recordings(size_t bytes);
  // Forgets names of code nobody has met for a while.
  void age();

  // For dumps of one process. Walks are finished by the loader; take_walked() has those that are done since the last call.
  Result<void> walk_threads(ProcessKey process, std::span<const gp_thread_state> threads);
  std::vector<targets::LiveDone> take_walked();
  Result<ProcessDescription> describe(ProcessKey process);
  // As the only window of a session that the sampler knows nothing of.
  void hand_over_threads(const std::shared_ptr<SessionState>& state, std::span<const WalkedThread> threads);

  struct Figures {
    uint64_t code_bytes = 0;
    uint64_t recording_bytes = 0;
    uint64_t processes = 0;
    uint32_t sampling_hz = 0;  // 0: no CPU ticks
  };
  [[nodiscard]] Figures figures();

 private:
  // A sideband event that outlives the ring's bytes.
  struct Event {
    os::SidebandEvent event;
    std::string text;
    uint64_t order = 0;  // as read: tells events of one time apart
  };
  // A stack copy waits for its sample, which is the next record of its CPU but for the second copy.
  struct Copy {
    uint32_t sequence = 0;
    std::vector<uint8_t> stack;
    std::vector<uint8_t> other;
  };
  using Copies = std::unordered_map<uint32_t, Copy>;

  Reader(sampling::Sampler* sampler, targets::Loader* loader, std::span<const targets::Runtime* const> runtimes,
         ReaderHooks hooks);
  Result<void> open_sideband();
  void run(const std::stop_token& stop);
  void wait_for_work();
  void turn();
  void drain_sideband();
  void drain_ring();
  void take_results();
  void housekeeping(uint64_t now_ns);
  // Takes what the loader finds until it is idle, at most so long.
  void wait_for_loader(uint64_t limit_ns);
  void forget_ended(uint64_t now_ns);

  // Has `work` done on the reader's thread and waits for it.
  void call(const std::function<void()>& work);
  void take_calls();
  Result<void> add_session(const std::shared_ptr<SessionState>& state, uint64_t first_window);
  OpenSession* find_session(SessionId id);
  Result<void> adapt_rate();
  [[nodiscard]] OpenSession::Surroundings surroundings(uint64_t now_ns) const;
  void turn_sessions(uint64_t now_ns);
  void hand_over(OpenSession& session, std::unique_ptr<Window> window);
  void begin_window(OpenSession& session);

  void on_record(Bytes record);
  void on_copy(Bytes record);
  void on_symbol(Bytes record);
  void find_package(ProcessKey process, const targets::Runtime& runtime, targets::CodeSymbol& symbol);
  void on_sample(Bytes record);
  std::span<const gp_frame> as_mapped_then(const gp_sample& header, std::span<const gp_frame> frames);
  // Of the sample's sessions those whose filter has its process.
  uint32_t wanted_sessions(const gp_sample& header);
  // False: cannot be deferred, it has to be reported as it is.
  bool defer(const gp_sample& header, Bytes record);
  struct Walk {
    gp_walk_end end = GP_END_NONE;
    bool guessed = false;
    bool deferred = false;
    std::shared_ptr<const targets::Program> program;  // that the sample is of
  };
  void add_walked(const gp_sample& header, std::span<const gp_frame> frames, std::span<const uint64_t> kernel,
                  Walk walk);
  void ask_for_name(const gp_sample& header);
  void ask_for_more(const gp_sample& header, std::span<const gp_frame> frames);
  void touch_pages(std::span<const gp_frame> frames, uint64_t time_ns);
  std::shared_ptr<const targets::Program> program_of(const gp_sample& header);
  void request_missing(const gp_sample& header);
  void take(targets::LiveDone& done);
  [[nodiscard]] std::string describe(const targets::Process& process, const targets::CodeFile& file,
                                     const targets::RuntimeFile& runtime) const;
  void add_thread(Window& window, const WalkedThread& thread);

  sampling::Sampler* sampler_;
  targets::Loader* loader_;
  std::vector<const targets::Runtime*> runtimes_;
  ReaderHooks hooks_;
  targets::Targets targets_;
  sampling::RuntimeSet met_ = 0;  // that some process has, as far as files were looked at
  bool sampled_ = false;          // something came out of the ring
  std::vector<os::SidebandRing> sideband_;
  std::vector<int> sideband_cpus_;
  std::vector<Event> events_;  // read, not applied yet
  uint64_t events_read_ = 0;
  bool gathering_ = false;  // events have just come: the sideband is not to wake us for a moment
  uint64_t heard_ns_ = 0;   // all events up to then are applied
  Copies copies_;
  std::vector<gp_frame> corrected_;
  std::vector<targets::LiveDone> walked_;  // for a dump
  std::vector<std::unique_ptr<OpenSession>> sessions_;
  CodeTable code_;
  PerfMaps perf_maps_;
  ThreadNames thread_names_;
  PackageFinder packages_;
  bool wants_packages_ = false;  // some session does
  uint32_t max_hz_ = 0;
  size_t recording_budget_ = kMaxRecordingBytes;
  uint64_t last_housekeeping_ns_ = 0;
  uint64_t last_hotplug_ns_ = 0;
  uint64_t last_forget_ns_ = 0;
  uint64_t unreadable_ = 0;

  os::UniqueFd wake_;  // calls wait, or the end
  std::mutex calls_mutex_;
  std::vector<std::function<void()>> calls_;
  std::jthread thread_;
};

}  // namespace gp::session
