// One incarnation of the loader thread: works on requests until the loader ends or it is given up while it hangs in
// foreign bytes. Owner thread: its own; abandon_if_stuck() is for the reader.
#pragma once

#include <atomic>
#include <memory>

#include "base/clock.h"
#include "elf/row_builder.h"
#include "targets/deferred_walk.h"
#include "targets/loader_shared.h"
#include "walk/live_walker.h"

namespace gp::targets {

class LoaderWorker {
 public:
  explicit LoaderWorker(std::shared_ptr<LoaderShared> shared) : shared_(std::move(shared)), walker_(*shared_->tables) {}

  void run();
  // Gives up on a worker that has been reading foreign bytes since before `limit_ns`; `reading` is then the file it
  // reads, or null when it is a process' own memory.
  bool abandon_if_stuck(uint64_t limit_ns, std::shared_ptr<CodeFile>* reading);

 private:
  static constexpr uint64_t kIdle = 0;
  static constexpr uint64_t kAbandoned = 1;

  // Runs what may block on `file`. False: meanwhile this worker was given up and must touch nothing any more.
  template <class Work>
  bool foreign(const std::shared_ptr<CodeFile>& file, Work work) {
    {
      const std::lock_guard lock(shared_->mutex);
      reading_ = file;
    }
    since_ns_.store(monotonic_ns(), std::memory_order_release);
    work();
    uint64_t since = since_ns_.load();
    if (since != kAbandoned && since_ns_.compare_exchange_strong(since, kIdle)) return true;
    const std::lock_guard lock(shared_->mutex);
    shared_->end_hang(file.get());
    return false;
  }

  // False: this worker was given up.
  bool handle(OpenRequest& request);
  bool handle(PageRequest& request);
  bool handle(AttachRequest& request);
  bool handle(RetireRequest& request);
  bool handle(PerfMapRequest& request);
  bool handle(ShrinkRequest& request);
  bool handle(LiveThread& request);
  bool handle(ThreadNamesRequest& request);
  bool handle(DeferredSample& request);
  bool open(const OpenRequest& request);
  bool look_again(const OpenRequest& request);
  bool load_page(const std::shared_ptr<CodeFile>& file, uint64_t page);
  bool load_missing(const MappingRun& run, std::span<const std::shared_ptr<CodeFile>> files, uint64_t pc,
                    bool* progress);
  void settle(const std::shared_ptr<CodeFile>& file, CodeFile::State state);
  void note_rows();

  std::shared_ptr<LoaderShared> shared_;
  walk::NativeWalker walker_;
  elf::RowBuilder builder_;
  std::unique_ptr<walk::LiveWalker> live_walker_;  // made when first asked for
  std::atomic<uint64_t> since_ns_{kIdle};
  std::shared_ptr<CodeFile> reading_;  // under the mutex
};

}  // namespace gp::targets
