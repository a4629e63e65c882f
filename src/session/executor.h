// Runs external collectors on a bounded number of threads; what finds none free waits in a bounded queue.
// Owner thread: control makes and ends it; submit() and the task's functions are for any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace gp::session {

class Executor {
 public:
  using Work = std::function<void(const std::stop_token& cancel)>;

  static constexpr size_t kMaxQueued = 50;

  // A piece of work that was taken in. It is told to end when it is cancelled; how soon it does is its own affair.
  class Task {
   public:
    explicit Task(Work work) : work_(std::move(work)) {}
    [[nodiscard]] bool done() const { return done_.load(std::memory_order_acquire); }
    void cancel() { stop_.request_stop(); }
    [[nodiscard]] bool cancelled() const { return stop_.stop_requested(); }

   private:
    friend class Executor;
    Work work_;
    std::stop_source stop_;
    std::atomic<bool> done_{false};
  };

  // `finished` is called after each task, on the worker's thread.
  Executor(uint32_t workers, std::function<void()> finished);
  // Cancels what runs and waits for it; what is queued never runs.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Null: the queue is full.
  std::shared_ptr<Task> submit(Work work);
  void cancel_all();
  [[nodiscard]] uint32_t running() const { return running_.load(std::memory_order_relaxed); }

 private:
  void work(const std::stop_token& stop);

  const uint32_t max_workers_;
  std::function<void()> finished_;
  std::atomic<uint32_t> running_{0};
  std::mutex mutex_;
  std::condition_variable_any queued_or_stopped_;
  std::deque<std::shared_ptr<Task>> queue_;
  std::vector<std::shared_ptr<Task>> active_;
  std::vector<std::jthread> workers_;  // made when first needed
};

}  // namespace gp::session
