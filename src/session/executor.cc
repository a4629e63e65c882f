#include "session/executor.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace gp::session {

Executor::Executor(uint32_t workers, std::function<void()> finished)
    : max_workers_(std::max(workers, 1U)), finished_(std::move(finished)) {}

Executor::~Executor() {
  {
    const std::lock_guard lock(mutex_);
    queue_.clear();
    for (const auto& task : active_) task->cancel();
  }
  for (auto& worker : workers_) worker.request_stop();
  workers_.clear();  // joins
}

std::shared_ptr<Executor::Task> Executor::submit(Work work) {
  auto task = std::make_shared<Task>(std::move(work));
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= kMaxQueued) return nullptr;
  queue_.push_back(task);
  if (active_.size() + queue_.size() > workers_.size() && workers_.size() < max_workers_) {
    workers_.emplace_back([this](const std::stop_token& stop) { this->work(stop); });
  }
  queued_or_stopped_.notify_one();
  return task;
}

void Executor::cancel_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& task : queue_) task->cancel();
  for (const auto& task : active_) task->cancel();
}

void Executor::work(const std::stop_token& stop) {
  ::pthread_setname_np(::pthread_self(), "gp-worker");
  for (;;) {
    std::shared_ptr<Task> task;
    {
      std::unique_lock lock(mutex_);
      if (!queued_or_stopped_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
      task = std::move(queue_.front());
      queue_.pop_front();
      active_.push_back(task);
      ++running_;
    }
    task->work_(task->stop_.get_token());
    task->work_ = nullptr;  // what it holds goes with it
    {
      const std::lock_guard lock(mutex_);
      std::erase(active_, task);
      --running_;
    }
    task->done_.store(true, std::memory_order_release);
    finished_();
  }
}

}  // namespace gp::session
