#include "managed/phpspy_collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "managed/parsers/phpspy_trace.h"
#include "managed/process_finder.h"
#include "managed/program.h"

namespace gp::managed {
namespace {

constexpr uint32_t kMaxHz = 999;        // the old agent's cap
constexpr size_t kMaxProcesses = 4096;  // a pool of workers; more are counted
constexpr std::chrono::seconds kAfterWindow{5};

}  // namespace

Collection PhpspyCollector::collect(const Window& window, const std::stop_token& cancel) {
  Collection collection;
  std::map<int32_t, profile::ToolStacks> found;
  uint64_t too_many = 0;
  PhpspyTrace trace([&](int32_t pid, std::span<const profile::Function> stack) {
    if (!window.pids.empty() && std::ranges::find(window.pids, pid) == window.pids.end()) return;
    auto place = found.find(pid);
    if (place == found.end() && found.size() < kMaxProcesses) {
      // Its identity is taken now, while it lives; the old agent called all of them "php".
      place = found.try_emplace(pid, identity_of(pid, "php")).first;
    }
    if (place == found.end()) {
      ++too_many;
    } else {
      place->second.add(stack, 1);
    }
  });
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(window.end - std::chrono::steady_clock::now());
  ProcessSpec spec;
  spec.name = "phpspy";
  spec.arguments = {program_,          "--verbose-fields=p",
                    "--pgrep",         filter_,
                    "--rate-hz",       fmt::format("{}", std::min(window.frequency_hz, kMaxHz)),
                    "--threads",       "16",
                    "--time-limit-ms", fmt::format("{}", std::max<int64_t>(left.count(), 1))};
  spec.environment = tool_environment();
  spec.deadline = std::min(window.deadline, window.end + kAfterWindow);
  spec.output = ToParser{[&](std::string_view line) {
    trace.line(line);
    return true;
  }};
  const auto failed = [&](std::string why) { collection.failures.push_back({std::nullopt, std::move(why)}); };
  auto process = launcher_.start(std::move(spec));
  if (!process) {
    failed(process.error().message());
    return collection;
  }
  if (const ProcessResult result = process->run(cancel); !result.ok()) {
    failed(result.describe());
    return collection;
  }
  if (too_many > 0) failed(fmt::format("phpspy: {} stacks of more than {} processes", too_many, kMaxProcesses));
  for (auto& [pid, stacks] : found) collection.processes.push_back(std::move(stacks));
  return collection;
}

}  // namespace gp::managed
