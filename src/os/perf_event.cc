#include "os/perf_event.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace gp::os {
namespace {

constexpr size_t kSidebandDataBytes = 64UL * 1024UL;  // about 500 records; a busy host makes 50 process births a second

// Since the last wake-up. The records of one program's start are 500 to 1,000 bytes (fork, exec and a mapping a library);
// a fork and an exit alone, 56 bytes each, are not worth a wake-up.
constexpr uint32_t kSidebandWakeBytes = 256;

size_t page_bytes() { return static_cast<size_t>(::sysconf(_SC_PAGESIZE)); }

UniqueFd open_event(perf_event_attr& attr, int cpu) {
  constexpr int kAllProcesses = -1;
  constexpr int kNoGroup = -1;
  attr.size = sizeof(attr);
  return UniqueFd(
      static_cast<int>(::syscall(SYS_perf_event_open, &attr, kAllProcesses, cpu, kNoGroup, PERF_FLAG_FD_CLOEXEC)));
}

perf_event_attr sampling_attributes(SamplingSource source, uint32_t hz) {
  perf_event_attr attr{};
  attr.disabled = 1;
  // An idle CPU has nothing to show, and its ticks cost power.
  attr.exclude_idle = 1;
  if (source == SamplingSource::kCycles) {
    attr.type = PERF_TYPE_HARDWARE;
    attr.config = PERF_COUNT_HW_CPU_CYCLES;
    attr.freq = 1;
    attr.sample_freq = hz;
  } else {
    attr.type = PERF_TYPE_SOFTWARE;
    attr.config = PERF_COUNT_SW_CPU_CLOCK;
    attr.sample_period = 1'000'000'000U / hz;
  }
  return attr;
}

perf_event_attr sideband_attributes() {
  perf_event_attr attr{};
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_DUMMY;
  attr.disabled = 1;
  attr.mmap = 1;
  attr.mmap2 = 1;
  attr.comm = 1;
  attr.comm_exec = 1;
  attr.task = 1;
  attr.sample_id_all = 1;
  attr.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
  attr.use_clockid = 1;
  attr.clockid = CLOCK_MONOTONIC;
  attr.watermark = 1;
  attr.wakeup_watermark = kSidebandWakeBytes;
  return attr;
}

}  // namespace

std::string_view sampling_source_name(SamplingSource source) {
  return source == SamplingSource::kCycles ? "cycles" : "cpu-clock";
}

SamplingSource detect_sampling_source() {
  perf_event_attr attr = sampling_attributes(SamplingSource::kCycles, 11);
  // CPU 0 may be offline only on exotic hosts; they get the timer.
  return open_event(attr, 0) ? SamplingSource::kCycles : SamplingSource::kCpuClock;
}

Result<UniqueFd> open_sampling_event(SamplingSource source, int cpu, uint32_t hz) {
  if (hz == 0) return fail(ErrorCode::kUsage, "a sampling frequency of 0 Hz");
  perf_event_attr attr = sampling_attributes(source, hz);
  UniqueFd fd = open_event(attr, cpu);
  if (!fd) return fail_errno(fmt::format("open {} event on CPU {}", sampling_source_name(source), cpu));
  return fd;
}

Result<void> enable_event(int fd) {
  if (::ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) != 0) return fail_errno("enable perf event");
  return {};
}

Result<void> disable_event(int fd) {
  if (::ioctl(fd, PERF_EVENT_IOC_DISABLE, 0) != 0) return fail_errno("disable perf event");
  return {};
}

Result<void> set_event_rate(int fd, SamplingSource source, uint32_t hz) {
  // PERF_EVENT_IOC_PERIOD takes a frequency where the event was opened by frequency (perf_event_open(2)).
  const perf_event_attr wanted = sampling_attributes(source, hz);
  uint64_t value = source == SamplingSource::kCycles ? wanted.sample_freq : wanted.sample_period;
  if (::ioctl(fd, PERF_EVENT_IOC_PERIOD, &value) != 0) return fail_errno("change the rate of a perf event");
  return {};
}

Result<uint64_t> event_count(int fd) {
  uint64_t count = 0;
  if (::read(fd, &count, sizeof(count)) != sizeof(count)) return fail_errno("read perf event count");
  return count;
}

Result<SidebandRing> SidebandRing::open(int cpu) {
  perf_event_attr attr = sideband_attributes();
  UniqueFd fd = open_event(attr, cpu);
  if (!fd) return fail_errno(fmt::format("open sideband event on CPU {}", cpu));
  // Mapped writable: the kernel then never overwrites what data_tail says is not read yet.
  void* base = ::mmap(nullptr, memory_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (base == MAP_FAILED) return fail_errno(fmt::format("map sideband ring of CPU {}", cpu));
  return SidebandRing(std::move(fd), base);
}

SidebandRing::SidebandRing(SidebandRing&& other) noexcept
    : fd_(std::move(other.fd_)), charge_(std::move(other.charge_)), base_(std::exchange(other.base_, nullptr)) {}

SidebandRing& SidebandRing::operator=(SidebandRing&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(charge_, other.charge_);
  std::swap(base_, other.base_);
  return *this;
}

SidebandRing::~SidebandRing() {
  if (base_ != nullptr) ::munmap(base_, memory_bytes());
}

size_t SidebandRing::memory_bytes() { return page_bytes() + kSidebandDataBytes; }

Result<void> SidebandRing::enable() { return enable_event(fd_.get()); }

DrainCount SidebandRing::drain(const std::function<void(const SidebandEvent&)>& callback) {
  auto* const control = static_cast<perf_event_mmap_page*>(base_);
  const Bytes data(static_cast<const uint8_t*>(base_) + page_bytes(), kSidebandDataBytes);
  // Acquire pairs with the kernel's write of data_head, release with its read of data_tail (see the comment on
  // data_head in perf_event.h).
  const uint64_t head = std::atomic_ref(control->data_head).load(std::memory_order_acquire);
  const uint64_t tail = std::atomic_ref(control->data_tail).load(std::memory_order_relaxed);
  const DrainCount count = drain_records(data, tail, head, callback);
  std::atomic_ref(control->data_tail).store(head, std::memory_order_release);
  return count;
}

}  // namespace gp::os
