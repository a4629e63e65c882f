// The whole host through `perf record`, for kernels that refuse eBPF: by frame pointers, by copies of stacks ("dwarf"),
// or both ("smart": of each process the one that sees deeper).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "managed/collector.h"
#include "managed/launcher.h"
#include "managed/parsers/perf_script.h"

namespace gp::managed {

enum class PerfMode : uint8_t { kFramePointers, kDwarf, kSmart };

class PerfCollector final : public Collector {
 public:
  PerfCollector(std::string program, PerfMode mode, Launcher& launcher)
      : program_(std::move(program)), mode_(mode), launcher_(launcher) {}

  [[nodiscard]] std::string_view name() const override { return "perf"; }
  [[nodiscard]] Collection collect(const Window& window, const std::stop_token& cancel) override;

 private:
  struct Recording;

  [[nodiscard]] Result<ManagedProcess> record(const Recording& recording, const Window& window);
  [[nodiscard]] Result<void> read(Recording& recording, const Window& window, const std::stop_token& cancel);

  std::string program_;
  PerfMode mode_;
  Launcher& launcher_;
};

// Of each process the frame-pointer stacks if they are deeper on average, else the dwarf ones; a process that only the
// dwarf recording saw is left out, as its counts are on another scale.
std::vector<profile::ToolStacks> choose_deeper(std::map<int32_t, PerfScript::Seen> frame_pointers,
                                               std::map<int32_t, PerfScript::Seen> dwarf);

}  // namespace gp::managed
