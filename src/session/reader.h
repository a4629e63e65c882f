// The reader: follows the sideband, keeps the walker's tables true, reads samples and adds them to the recording.
// Its thread runs at nice -20: how soon it hears of a new process decides whether the process' first samples can be
// walked where they are taken.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "os/perf_event.h"
#include "os/unique_fd.h"
#include "sampling/sampler.h"
#include "session/recording.h"
#include "targets/loader.h"
#include "targets/targets.h"

namespace gp::session {

class Reader {
 public:
  // `sampler` must be loaded, not attached. Opens the sideband and reads the state of the host.
  static Result<std::unique_ptr<Reader>> start(sampling::Sampler* sampler, targets::Loader* loader,
                                               std::span<const targets::Runtime* const> runtimes,
                                               targets::Filter filter);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Stops sampling, reads what is left, waits (bounded) for deferred samples, and ends the thread. The recording is the
  // caller's then.
  Recording finish();

  [[nodiscard]] uint64_t samples() const { return samples_.load(std::memory_order_relaxed); }
  [[nodiscard]] size_t process_count() const { return targets_.process_count(); }

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
         targets::Filter filter);
  Result<void> open_sideband();
  void run(const std::stop_token& stop);
  void wait_for_work();
  void turn();
  void drain_sideband();
  void drain_ring();
  void take_results();
  void housekeeping(uint64_t now_ns);
  void drain_for_good();
  // Takes what the loader finds until it is idle, at most so long.
  void wait_for_loader(uint64_t limit_ns);

  void on_record(Bytes record);
  void on_copy(Bytes record);
  void on_symbol(Bytes record);
  void on_sample(Bytes record);
  std::span<const gp_frame> as_mapped_then(const gp_sample& header, std::span<const gp_frame> frames);
  // False: cannot be deferred, it has to be reported as it is.
  bool defer(const gp_sample& header, Bytes record);
  void add_walked(const gp_sample& header, std::span<const gp_frame> frames, std::span<const uint64_t> kernel,
                  gp_walk_end end, bool guessed, bool deferred);
  void ask_for_more(const gp_sample& header, std::span<const gp_frame> frames);
  void touch_pages(std::span<const gp_frame> frames, uint64_t time_ns);
  std::shared_ptr<const targets::Program> program_of(const gp_sample& header);
  void request_missing(const gp_sample& header);

  sampling::Sampler* sampler_;
  targets::Loader* loader_;
  std::vector<const targets::Runtime*> runtimes_;
  targets::Targets targets_;
  std::vector<os::SidebandRing> sideband_;
  std::vector<int> sideband_cpus_;
  std::vector<Event> events_;  // read, not applied yet
  uint64_t events_read_ = 0;
  bool gathering_ = false;  // events have just come: the sideband is not to wake us for a moment
  uint64_t heard_ns_ = 0;   // all events up to then are applied
  Copies copies_;
  std::vector<gp_frame> corrected_;
  Recording recording_;
  os::UniqueFd stop_event_;
  uint64_t last_housekeeping_ns_ = 0;
  uint64_t last_hotplug_ns_ = 0;
  uint64_t unreadable_ = 0;
  uint64_t unwanted_ = 0;  // samples of processes whose filter the kernel did not know yet
  std::atomic<uint64_t> samples_{0};
  std::jthread thread_;
};

}  // namespace gp::session
