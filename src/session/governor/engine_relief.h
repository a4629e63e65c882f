// The engine as the governor knows it. Owner thread: control.
#pragma once

#include <cstdint>
#include <optional>

#include "session/engine.h"
#include "session/governor/relief.h"
#include "session/recording.h"

namespace gp::session {

class EngineRelief final : public Relief {
 public:
  explicit EngineRelief(Engine* engine) : engine_(engine) {}

  void trim() override;
  void refuse_growth(bool refuse) override;
  void drop_detail(bool drop) override;
  void halve_logs() override;
  void restore_logs() override;
  void cancel_collectors(bool cancel) override;
  [[nodiscard]] uint32_t asked_rate_hz() const override;
  void limit_rate(uint32_t hz) override;
  void close_early() override;

  // The engine could not be started again: nothing is sampled any more, and the agent is to end.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

 private:
  Engine* engine_;
  Restraint restraint_;
  size_t recording_bytes_ = kMaxRecordingBytes;
  std::optional<Error> failure_;
};

}  // namespace gp::session
