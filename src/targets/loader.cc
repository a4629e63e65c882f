#include "targets/loader.h"

#include <spdlog/spdlog.h>

#include <thread>

#include "base/clock.h"
#include "os/event_fd.h"
#include "targets/loader_shared.h"
#include "targets/loader_worker.h"

namespace gp::targets {

Loader::Loader(walk::Tables* tables, walk::SegmentSource* segments, std::span<const Runtime* const> runtimes,
               const LoaderOptions& options)
    : shared_(std::make_shared<LoaderShared>()) {
  shared_->tables = tables;
  shared_->options = options;
  shared_->runtimes.assign(runtimes.begin(), runtimes.end());
  shared_->files = std::make_unique<UnwindFiles>(tables, segments, options.row_budget_bytes);
  if (auto event = os::make_eventfd()) shared_->result_event = std::move(*event);
  start_worker();
}

void Loader::start_worker() {
  worker_ = std::make_shared<LoaderWorker>(shared_);
  thread_ = std::jthread([worker = worker_] { worker->run(); });
}

Loader::~Loader() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stop = true;
  }
  shared_->wake.notify_all();
  // A thread that hangs in a foreign file would hang us: it is left behind with what it holds.
  const auto busy = [this] {
    const std::lock_guard lock(shared_->mutex);
    return shared_->busy;
  };
  for (int wait = 0; worker_ && wait < 200 && busy(); ++wait)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::shared_ptr<CodeFile> reading;
  if (worker_ && worker_->abandon_if_stuck(monotonic_ns(), &reading)) thread_.detach();
}

bool Loader::post(LoaderRequest request) {
  {
    const std::lock_guard lock(shared_->mutex);
    auto* const stack = std::get_if<DeferredSample>(&request);
    if (stack != nullptr && shared_->is_stopped()) return false;
    auto& queue = stack != nullptr ? shared_->stacks : shared_->urgent;
    if (queue.size() >= (stack != nullptr ? shared_->options.max_deferred : LoaderShared::kMaxUrgent)) return false;
    if (stack != nullptr) {
      stack->charge = Charge(account("deferred stacks"),
                             stack->sample.capacity() + stack->copy.capacity() + stack->other.capacity());
    }
    // Until its runtime is known, a process' frames are lost; all else only waits.
    if (std::holds_alternative<AttachRequest>(request)) {
      queue.push_front(std::move(request));
    } else {
      queue.push_back(std::move(request));
    }
    shared_->charge_queues();
  }
  shared_->wake.notify_one();
  return true;
}

std::vector<LoaderResult> Loader::take_results() {
  os::take_eventfd(shared_->result_event.get());
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->results, {});
}

int Loader::result_fd() const { return shared_->result_event.get(); }

bool Loader::idle() const {
  const std::lock_guard lock(shared_->mutex);
  if (!shared_->results.empty()) return false;
  return shared_->is_stopped() || (!shared_->busy && shared_->urgent.empty() && shared_->stacks.empty());
}

void Loader::check_stuck(uint64_t now_ns) {
  const uint64_t limit = now_ns > shared_->options.stuck_ns ? now_ns - shared_->options.stuck_ns : 0;
  std::shared_ptr<CodeFile> file;
  if (worker_ && worker_->abandon_if_stuck(limit, &file)) {
    thread_.detach();
    worker_ = nullptr;
    if (file) give_up(file);
  }
  if (worker_) return;
  {
    const std::lock_guard lock(shared_->mutex);
    const bool stopped = shared_->is_stopped();
    if (stopped && !shared_->stats.stopped) {
      spdlog::warn("{} reads of files hang: no other file is looked at until one of them ends", shared_->hung_threads);
    }
    shared_->stats.stopped = stopped;
    if (stopped) {
      shared_->return_stacks();
      return;
    }
  }
  start_worker();
}

// The file keeps its mapping and loses its names; what waits for it goes on without.
void Loader::give_up(const std::shared_ptr<CodeFile>& file) {
  spdlog::warn("{}: its filesystem does not answer; its frames stay without names", file->path);
  __atomic_store_n(&shared_->tables->files[file->slot].state, GP_FILE_UNREADABLE, __ATOMIC_RELEASE);
  file->state.store(CodeFile::State::kUnreadable, std::memory_order_release);
  const std::lock_guard lock(shared_->mutex);
  ++shared_->stats.stuck_files;
  shared_->results.emplace_back(FileDone{file});
}

std::span<const Runtime* const> Loader::runtimes() const { return shared_->runtimes; }

Loader::Stats Loader::stats() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->stats;
}

}  // namespace gp::targets
