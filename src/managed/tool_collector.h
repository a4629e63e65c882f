// Runs one kind of tool on every process it is for, all at the same time, for one window: 50 at most, the busiest.
#pragma once

#include <string>
#include <vector>

#include "managed/collector.h"
#include "managed/launcher.h"
#include "managed/tool.h"

namespace gp::managed {

class ToolCollector final : public Collector {
 public:
  static constexpr size_t kMaxProcesses = 50;

  // `tool` and `launcher` must outlive it; `mode` is the tool's own word.
  ToolCollector(const Tool& tool, std::string program, std::string mode, Launcher& launcher)
      : tool_(tool), program_(std::move(program)), mode_(std::move(mode)), launcher_(launcher) {}

  [[nodiscard]] std::string_view name() const override { return tool_.name; }
  [[nodiscard]] Collection collect(const Window& window, const std::stop_token& cancel) override;

 private:
  struct Job;

  [[nodiscard]] std::vector<std::unique_ptr<Job>> find_jobs(const Window& window, const std::string& directory,
                                                            Collection& collection) const;
  void start(Job& job, const Window& window);
  void finish(Job& job, Collection& collection);
  void clean_up(const Job& job);

  const Tool& tool_;
  std::string program_;
  std::string mode_;
  Launcher& launcher_;
};

}  // namespace gp::managed
