#include "session/governor/engine_relief.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "base/clock.h"

namespace gp::session {
namespace {

constexpr size_t kTrimmedSymbolBytes = size_t{4} << 20U;  // the names most used of late, and the kernel's
constexpr size_t kLeastRecordingBytes = size_t{1} << 20U;

}  // namespace

void EngineRelief::trim() { engine_->trim(kTrimmedSymbolBytes); }

void EngineRelief::refuse_growth(bool refuse) {
  restraint_.no_cache_growth = refuse;
  engine_->restrain(restraint_);
}

void EngineRelief::drop_detail(bool drop) {
  restraint_.no_lines = drop;
  engine_->restrain(restraint_);
}

void EngineRelief::halve_logs() {
  recording_bytes_ = std::max(recording_bytes_ / 2, kLeastRecordingBytes);
  engine_->limit_recordings(recording_bytes_);
}

void EngineRelief::restore_logs() {
  recording_bytes_ = kMaxRecordingBytes;
  engine_->limit_recordings(recording_bytes_);
}

void EngineRelief::cancel_collectors(bool cancel) {
  restraint_.no_collectors = cancel;
  engine_->restrain(restraint_);
  if (cancel) engine_->cancel_collectors();
}

uint32_t EngineRelief::asked_rate_hz() const {
  uint32_t hz = 1;
  for (const SessionStatus& session : engine_->sessions()) hz = std::max(hz, session.frequency_hz);
  return hz;
}

void EngineRelief::limit_rate(uint32_t hz) {
  if (const auto capped = engine_->cap_rate(hz); !capped) spdlog::error("{}", capped.error().message());
}

void EngineRelief::close_early() {
  const uint64_t begun = monotonic_ns();
  if (auto restarted = engine_->restart_empty(); !restarted) {
    failure_ = std::move(restarted).error();
    return;
  }
  spdlog::warn("Memory cleanup: sampling began again empty after {} ms", (monotonic_ns() - begun) / 1'000'000);
}

}  // namespace gp::session
