// A profile with external profilers at work beside the sampler, for the same time. Owner thread: control, on which the
// tools are born; each collector has a thread of its own for as long as the profile is taken.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "app/recording.h"
#include "managed/collector.h"
#include "managed/launcher.h"
#include "managed/tool_table.h"

namespace gp::app {

class ToolRecording final : public Recording {
 public:
  // `inner` samples already; null: there is no sampler, the collectors' stacks are the profile.
  ToolRecording(std::unique_ptr<Recording> inner, std::unique_ptr<managed::Launcher> launcher,
                std::vector<std::shared_ptr<managed::Collector>> collectors, const RecordRequest& request);
  ToolRecording(const ToolRecording&) = delete;
  ToolRecording(ToolRecording&&) = delete;
  ToolRecording& operator=(const ToolRecording&) = delete;
  ToolRecording& operator=(ToolRecording&&) = delete;
  ~ToolRecording() override;

  [[nodiscard]] uint64_t samples_taken() const override { return inner_ ? inner_->samples_taken() : 0; }
  [[nodiscard]] int fd() const override { return launcher_->fd(); }
  void serve() override { launcher_->serve(); }
  // Waits for the tools, half the length of the profile or 30 s at most. Ended early, it cancels them.
  Result<profile::Profile> finish() override;

 private:
  struct Task;

  void wait_for_tasks();

  std::unique_ptr<Recording> inner_;
  std::unique_ptr<managed::Launcher> launcher_;
  RecordRequest request_;
  managed::Window window_;
  int64_t start_unix_ns_ = 0;
  std::stop_source cancel_;
  std::vector<std::unique_ptr<Task>> tasks_;  // last: their threads end before what they use goes
};

inline constexpr std::string_view kToolsNeedDuration =
    "warning: external profilers need to know for how long: give -d, and no COMMAND; walking all processes as usual";

using Tell = std::function<void(const std::string&)>;

// Samples by `start`, and with the tools that `choice` names as far as they are there; `tell` gets a line for others.
Result<std::unique_ptr<Recording>> start_with_tools(const managed::ToolChoice& choice, const RecordRequest& request,
                                                    const StartRecording& start, const Tell& tell);

// Samples by perf, where the kernel refuses what `start` needs.
Result<std::unique_ptr<Recording>> start_perf(managed::PerfMode mode, const RecordRequest& request);

}  // namespace gp::app
