#include "app/session_files.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "app/options.h"

namespace gp::app {

void WindowResults::push(WindowResult result) {
  const std::lock_guard lock(mutex_);
  results_.push_back(std::move(result));
}

std::vector<WindowResult> WindowResults::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(results_, {});
}

void write_held(output::HeldProfiles& held) {
  for (const auto& written : held.write_held()) {
    spdlog::info("wrote {}, which had been held", written.files.front().path);
  }
}

Result<void> SessionFiles::take(profile::Profile profile, const session::WindowInfo& window) {
  profile.agent_version = kVersion;
  WindowResult result{.session = window.session,
                      .name = window.session_name,
                      .number = window.number,
                      .last = window.last,
                      .samples = profile.quality.taken,
                      .files = {},
                      .summary = {},
                      .quality = profile.quality.summary(),
                      .error = {}};
  write_held(*held_);
  const auto written = held_->write(options_.directory, profile, options_.formats,
                                    options_.rotating ? output::Retention::kNewest : output::Retention::kAll);
  if (written) {
    for (const auto& file : written->files) result.files.push_back(file.path);
    if (options_.style) output::write_summary(profile, *options_.style, result.summary);
  } else {
    result.error = written.error().message();
  }
  results_->push(std::move(result));
  return written ? Result<void>() : std::unexpected(written.error());
}

}  // namespace gp::app
