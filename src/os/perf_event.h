// perf events: the timer that samples a CPU, and the sideband that tells of processes and their mappings.
// Facts: perf_event_open(2), include/uapi/linux/perf_event.h. Owner thread: whoever holds the object.
#pragma once

#include <cstdint>
#include <functional>

#include "base/account.h"
#include "base/result.h"
#include "os/perf_record.h"
#include "os/unique_fd.h"

namespace gp::os {

// What makes a CPU's samples come.
enum class SamplingSource : uint8_t {
  kCycles,    // the hardware's cycle counter, by frequency; can interrupt what the timer cannot
  kCpuClock,  // a kernel timer, by fixed period
};
std::string_view sampling_source_name(SamplingSource source);  // "cycles", "cpu-clock"

// Whether hardware (and hypervisor) let us count cycles with interrupts; else the timer.
SamplingSource detect_sampling_source();

// A disabled sampling event on one CPU, all processes, for a BPF program to be attached to. No ring: samples go where
// the program sends them. The idle task is included, so that its time can be told from lost time. With kCpuClock
// the period is exactly 1e9 / hz ns and event_count() over it tells how many samples were due.
Result<UniqueFd> open_sampling_event(SamplingSource source, int cpu, uint32_t hz);
Result<void> enable_event(int fd);
Result<void> disable_event(int fd);
// Changes the rate of an open sampling event, which goes on counting.
Result<void> set_event_rate(int fd, SamplingSource source, uint32_t hz);

// The event's own count: cycles, or ns of kCpuClock.
Result<uint64_t> event_count(int fd);

// Sideband of one CPU: everything any process executes, maps executable, forks or ends there, whether sampled or
// not. Mappings carry device and inode (asking for build ids would take their place). Events of other CPUs come in their
// own rings and are ordered only by time_ns. Wakes a poll() on fd() once two or three records have gathered; who needs the
// last ones drains now and then.
class SidebandRing {
 public:
  static Result<SidebandRing> open(int cpu);
  SidebandRing(SidebandRing&& other) noexcept;
  SidebandRing& operator=(SidebandRing&& other) noexcept;
  SidebandRing(const SidebandRing&) = delete;
  SidebandRing& operator=(const SidebandRing&) = delete;
  ~SidebandRing();

  [[nodiscard]] int fd() const { return fd_.get(); }
  Result<void> enable();

  // Hands all that is pending to the callback and gives the room back. Strings live until the callback returns.
  DrainCount drain(const std::function<void(const SidebandEvent&)>& callback);

  [[nodiscard]] static size_t memory_bytes();  // mapped, a ring

 private:
  SidebandRing(UniqueFd fd, void* base) : fd_(std::move(fd)), base_(base) {}

  UniqueFd fd_;
  Charge charge_{account("sideband rings", Counted::kApart), memory_bytes()};
  void* base_ = nullptr;  // control page, then data
};

}  // namespace gp::os
