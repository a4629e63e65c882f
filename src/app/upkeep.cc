#include "app/upkeep.h"

#include <spdlog/spdlog.h>

#include <sstream>

#include "app/options.h"
#include "base/clock.h"
#include "os/event_fd.h"
#include "os/memory_limits.h"

namespace gp::app {
namespace {

constexpr uint64_t kPublishNs = 5'000'000'000;  // a scrape is a minute or a quarter of one apart

void tell_notify(const Result<void>& told) {
  if (!told) spdlog::debug("{}", told.error().message());
}

}  // namespace

std::string history_path(const std::string& state_directory) {
  return state_directory.empty() ? "" : state_directory + "/self.tsv";
}

Result<std::unique_ptr<Upkeep>> Upkeep::start(const UpkeepOptions& options, os::ServiceNotify notify,
                                              session::Relief* relief) {
  GP_ASSIGN(const uint64_t available, os::available_memory());
  const session::MemoryOfHost host{.available = available,
                                   .cgroup_limit = os::memory_limit_of(os::own_memory_cgroup())};
  GP_ASSIGN(const session::MemoryLevels levels, session::memory_levels(options.memory, host));
  std::unique_ptr<Upkeep> upkeep(new Upkeep(
      {.levels = levels, .version = std::string(kVersion), .history_path = history_path(options.state_directory)},
      std::move(notify), relief));
  GP_ASSIGN(upkeep->second_, os::make_timerfd(std::chrono::seconds(1), std::chrono::seconds(1)));
  if (options.metrics) {
    GP_ASSIGN(upkeep->metrics_, MetricsServer::start(*options.metrics));
    spdlog::info("metrics on http://{}:{}/metrics", options.metrics->host, upkeep->metrics_->port());
  }
  upkeep->watch_.watch_pressure();
  spdlog::info("Memory limit {} (cleanup from {}, emergency at {})", session::megabytes(levels.hard),
               session::megabytes(levels.soft), session::megabytes(levels.emergency));
  upkeep->every_second();
  return upkeep;
}

std::vector<pollfd> Upkeep::fds() const {
  std::vector<pollfd> fds{{.fd = second_.get(), .events = POLLIN, .revents = 0}};
  for (const os::UniqueFd& fd : watch_.pressure_fds()) fds.push_back({.fd = fd.get(), .events = POLLPRI, .revents = 0});
  return fds;
}

void Upkeep::turn(std::span<const pollfd> polled) {
  for (const pollfd& fd : polled) {
    if ((fd.revents & POLLPRI) != 0) watch_.note_pressure();
    if ((fd.revents & (POLLERR | POLLNVAL)) != 0) watch_.forget_pressure(fd.fd);
  }
  if (os::take_expirations(second_.get()) > 0) every_second();
}

void Upkeep::every_second() {
  const uint64_t now = monotonic_ns();
  const int64_t wall_s = wall_ns() / 1'000'000'000;
  watch_.tick(now, wall_s);
  const auto interval = notify_.watchdog_interval();
  if (ready_ && interval && now - last_alive_ns_ >= static_cast<uint64_t>(interval->count()) * 1000) {
    last_alive_ns_ = now;
    tell_notify(notify_.alive());
  }
  if (metrics_ && (last_published_ns_ == 0 || now - last_published_ns_ >= kPublishNs)) {
    last_published_ns_ = now;
    metrics_->publish(session::report_metrics(watch_.report(wall_s)));
  }
}

void Upkeep::ready() {
  ready_ = true;
  tell_notify(notify_.ready());
}

void Upkeep::stopping() { tell_notify(notify_.stopping()); }

void Upkeep::log_report() const {
  std::istringstream lines(session::report_text(report()));
  for (std::string line; std::getline(lines, line);) spdlog::info("{}", line);
}

session::SelfReport Upkeep::report() const { return watch_.report(wall_ns() / 1'000'000'000); }

}  // namespace gp::app
