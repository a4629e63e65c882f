// Figures about children, for metrics. They only observe: nothing is kept alive or decided by them.
// Owner thread: any (atomic, each by itself).
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace gp::managed {

struct ProcessCounts {
  std::atomic<uint64_t> started{0};  // became their program
  std::atomic<uint64_t> failed{0};   // could not be started
  std::atomic<uint64_t> killed{0};   // by us: late, cancelled or let go
  std::atomic<uint64_t> reaped{0};
  std::atomic<uint64_t> stuck{0};  // not even SIGKILL ended them in time (uninterruptible sleep)
  std::atomic<int64_t> running{0};
  std::atomic<int64_t> pipes_open{0};  // our ends
  std::atomic<int64_t> fds_open{0};    // pipes, pidfds and cgroup directories
};

// One more on a gauge for as long as this lives.
class Gauged {
 public:
  Gauged() = default;
  explicit Gauged(std::atomic<int64_t>& gauge) : gauge_(&gauge) { ++*gauge_; }
  Gauged(Gauged&& other) noexcept : gauge_(std::exchange(other.gauge_, nullptr)) {}
  Gauged& operator=(Gauged&& other) noexcept {
    std::swap(gauge_, other.gauge_);
    return *this;
  }
  Gauged(const Gauged&) = delete;
  Gauged& operator=(const Gauged&) = delete;
  ~Gauged() {
    if (gauge_ != nullptr) --*gauge_;
  }

 private:
  std::atomic<int64_t>* gauge_ = nullptr;
};

}  // namespace gp::managed
