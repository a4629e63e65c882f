#include "session/governor/memory_watch.h"

#include <malloc.h>
#include <spdlog/spdlog.h>

#include "os/memory_limits.h"

namespace gp::session {
namespace {

// Descriptors and maps are looked through this often: it costs two system calls each. Between, maps change only by
// segments of the row pool.
constexpr uint64_t kFdsIntervalNs = 5'000'000'000;
// Tasks waited 150 ms of 2 s for memory; a window of whole 2 s needs no privilege (psi.rst).
constexpr uint32_t kStallUs = 150'000;
constexpr uint32_t kWindowUs = 2'000'000;

// The lines that operators search their logs for (`cleanup|Memory`).
void tell_state(const Decision& decision, const Observation& seen) {
  const std::string now = megabytes(seen.memory_bytes);
  switch (decision.state) {
    case MemoryState::kEmergency: spdlog::error("CRITICAL memory usage: {} - forcing aggressive cleanup", now); break;
    case MemoryState::kCritical: spdlog::warn("Memory usage critical ({})", now); break;
    case MemoryState::kHigh: spdlog::warn("Memory usage high ({}), triggering cleanup", now); break;
    case MemoryState::kNormal:
      if (seen.pressure) spdlog::warn("Memory pressure on this host (ours: {}), triggering cleanup", now);
  }
}

}  // namespace

MemoryWatch::MemoryWatch(Options options, Relief* relief, SelfMeasure measure)
    : options_(std::move(options)), relief_(relief), measure_(std::move(measure)), governor_(options_.levels) {
  if (!options_.history_path.empty()) history_.emplace(options_.history_path);
}

void MemoryWatch::watch_pressure() {
  std::vector<std::string> paths{"/proc/pressure/memory"};
  const os::MemoryCgroup cgroup = os::own_memory_cgroup();
  // The root group's pressure is the host's.
  if (cgroup.v2.size() > 1) paths.push_back(cgroup.v2.front() + "/memory.pressure");
  for (const std::string& path : paths) {
    auto trigger = os::open_pressure_trigger(path, kStallUs, kWindowUs);
    if (trigger) {
      pressure_fds_.push_back(std::move(*trigger));
    } else {
      spdlog::info("Memory pressure is not watched: {}", trigger.error().message());
    }
  }
}

void MemoryWatch::forget_pressure(int fd) {
  std::erase_if(pressure_fds_, [fd](const os::UniqueFd& trigger) { return trigger.get() == fd; });
}

std::optional<uint64_t> MemoryWatch::measure(uint64_t now_ns) {
  const auto resident = measure_.resident();
  if (!resident) {
    if (!told_unmeasured_) spdlog::error("Memory cannot be measured: {}", resident.error().message());
    told_unmeasured_ = true;
    return std::nullopt;
  }
  if (fds_measured_ns_ == 0 || now_ns - fds_measured_ns_ >= kFdsIntervalNs) {
    fds_measured_ns_ = now_ns;
    if (const auto fds = measure_.fds()) {
      bpf_map_bytes_ = fds->bpf_map_bytes;
      fd_growth_.add(now_ns, fds->total());
    }
  }
  const uint64_t bytes = resident->anonymous + resident->shared + bpf_map_bytes_;
  memory_growth_.add(now_ns, bytes);
  return bytes;
}

void MemoryWatch::tick(uint64_t now_ns, int64_t wall_unix_s) {
  if (!start_ns_) start_ns_ = now_ns;
  now_ns_ = now_ns;
  if (pending_) fds_measured_ns_ = 0;  // segments may have gone
  const auto bytes = measure(now_ns);
  if (!bytes) return;
  tell_freed(*bytes);
  const Observation seen{.now_ns = now_ns,
                         .memory_bytes = *bytes,
                         .pressure = std::exchange(pressure_, false),
                         .asked_rate_hz = relief_->asked_rate_hz()};
  take(governor_.decide(seen), seen);
  if (!history_) return;
  const auto kept = history_->due((now_ns - *start_ns_) / 1'000'000'000)
                        ? history_->add(history_row(report(wall_unix_s)))
                        : Result<void>();
  if (!kept && !told_unwritten_) spdlog::error("the hourly history cannot be kept: {}", kept.error().message());
  told_unwritten_ |= !kept;
}

void MemoryWatch::tell_freed(uint64_t bytes) {
  if (!pending_) return;
  const uint64_t freed = pending_->before_bytes > bytes ? pending_->before_bytes - bytes : 0;
  spdlog::warn("Memory cleanup ({}) freed {}: {} -> {}", pending_->steps, megabytes(freed),
               megabytes(pending_->before_bytes), megabytes(bytes));
  pending_.reset();
}

void MemoryWatch::take(const Decision& decision, const Observation& seen) {
  if (decision.steps.empty()) return;
  if (decision.steps.front() == Step::kUndo) {
    spdlog::warn("Memory usage normal ({}) for a minute: cleanup steps undone", megabytes(seen.memory_bytes));
  } else {
    tell_state(decision, seen);
    pending_ = Pending{.steps = "", .before_bytes = seen.memory_bytes};
  }
  for (const Step step : decision.steps) {
    apply(step, decision);
    if (!pending_) continue;
    pending_->steps += fmt::format("{}{}", pending_->steps.empty() ? "" : ", ", step_name(step));
    if (step == Step::kLowerRate) pending_->steps += fmt::format(" to {} Hz", decision.rate_hz);
  }
  // The allocator keeps what was freed in pieces; the limit is about what the host has lost.
  ::malloc_trim(0);
}

void MemoryWatch::apply(Step step, const Decision& decision) {
  switch (step) {
    case Step::kTrim: relief_->trim(); break;
    case Step::kRefuseGrowth: relief_->refuse_growth(true); break;
    case Step::kDropDetail: relief_->drop_detail(true); break;
    case Step::kHalveLogs: relief_->halve_logs(); break;
    case Step::kCancelCollectors: relief_->cancel_collectors(true); break;
    case Step::kLowerRate: relief_->limit_rate(decision.rate_hz); break;
    case Step::kCloseEarly: relief_->close_early(); break;
    case Step::kUndo:
      relief_->refuse_growth(false);
      relief_->drop_detail(false);
      relief_->restore_logs();
      relief_->cancel_collectors(false);
      relief_->limit_rate(0);
      break;
  }
}

SelfReport MemoryWatch::report(int64_t wall_unix_s) const {
  SelfReport report;
  report.version = options_.version;
  report.time_unix_s = wall_unix_s;
  report.uptime_s = start_ns_ ? (now_ns_ - *start_ns_) / 1'000'000'000 : 0;
  report.resident = measure_.resident().value_or(os::ResidentMemory{});
  report.fds = measure_.fds().value_or(os::OpenFds{});
  report.children = os::own_children();
  report.accounts = account_balances();
  report.levels = governor_.levels();
  report.state = governor_.state();
  report.steps = governor_.counts();
  report.lowered_rate_hz = governor_.lowered_rate_hz();
  report.memory_growth_per_hour = memory_growth_.per_hour();
  report.fd_growth_per_hour = fd_growth_.per_hour();
  return report;
}

}  // namespace gp::session
