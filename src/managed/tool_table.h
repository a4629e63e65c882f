// Which external profilers the user chose, and the collectors they make. In-process walkers are the default everywhere.
// Owner thread: control.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "managed/collector.h"
#include "managed/launcher.h"
#include "managed/perf_collector.h"

namespace gp::managed {

// By language; the old agent's words are in choose_tool().
struct ToolChoice {
  bool py_spy = false;
  bool rbspy = false;
  bool phpspy = false;
  bool dotnet_trace = false;
  std::string async_profiler;  // its event: cpu, itimer, wall, alloc or lock; empty: not chosen
  std::string php_filter = "php-fpm";
  std::optional<PerfMode> perf;  // only where the kernel refuses eBPF

  bool operator==(const ToolChoice&) const = default;
  [[nodiscard]] bool any() const { return py_spy || rbspy || phpspy || dotnet_trace || !async_profiler.empty(); }
};

// Takes what one option said: choose_tool("--python-mode", "pyspy", choice). An error (kUsage) names the words there are.
Result<void> choose_tool(std::string_view option, std::string_view word, ToolChoice& choice);

// What choose_tool() was told, to be said to another process: options without their dashes, and words. Without perf, which
// is no collector.
std::map<std::string, std::string> words_of(const ToolChoice& choice);

struct Collectors {
  std::vector<std::shared_ptr<Collector>> collectors;  // without perf
  std::vector<std::string> absent;                     // one line for each tool that is not installed
};
Collectors make_collectors(const ToolChoice& choice, Launcher& launcher);

// Takes the place of the sampler. kNotFound: perf is not installed.
Result<std::shared_ptr<Collector>> make_perf_collector(PerfMode mode, Launcher& launcher);

}  // namespace gp::managed
