// What the reader and the loader's threads share: queues, results, and which reads hang. Everything down to `stats` is
// guarded by the mutex; the rest is the one working thread's and is handed on when that is replaced.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "os/unique_fd.h"
#include "targets/loader.h"
#include "targets/unwind_files.h"

namespace gp::targets {

struct LoaderShared {
  // So many hung reads on one device, and the others that want it wait until one comes back.
  static constexpr uint32_t kHungPerDevice = 2;
  // So many threads hanging at a time, and loading stops until one comes back.
  static constexpr uint32_t kMaxHung = 8;
  static constexpr size_t kMaxUrgent = 65536;  // never met while a thread works
  static constexpr size_t kMaxParked = 4096;

  // All but next() and answer() want the mutex to be held.
  void begin_hang(const CodeFile* file);
  void end_hang(const CodeFile* file);
  [[nodiscard]] bool hangs(const CodeFile& file) const;
  [[nodiscard]] bool is_stopped() const { return hung_threads >= kMaxHung; }
  // Loading has stopped: stacks that wait for it are reported as they are.
  void return_stacks();

  // The next request to work on; nothing when the loader ends.
  bool next(LoaderRequest& request);
  void answer(LoaderResult result);
  void charge_queues() { queue_charge.set((urgent.size() + stacks.size() + parked.size()) * sizeof(LoaderRequest)); }

  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<LoaderRequest> urgent;  // files, pages, runtimes
  std::deque<LoaderRequest> stacks;  // deferred samples: after what they may need
  std::deque<LoaderRequest> parked;  // want a device that hangs
  std::vector<LoaderResult> results;
  os::UniqueFd result_event;
  Charge queue_charge{account("loader queue")};
  bool busy = false;
  bool stop = false;
  uint32_t hung_threads = 0;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> hung_reads;  // by device
  Loader::Stats stats;

  walk::Tables* tables = nullptr;
  std::vector<const Runtime*> runtimes;
  LoaderOptions options;
  std::unique_ptr<UnwindFiles> files;

 private:
  void park(LoaderRequest request);
  void forget_parked(uint32_t slot);
};

}  // namespace gp::targets
