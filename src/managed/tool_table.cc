#include "managed/tool_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "managed/phpspy_collector.h"
#include "managed/program.h"
#include "managed/tool.h"
#include "managed/tool_collector.h"

namespace gp::managed {
namespace {

// A word an option may have. Several mean the same, since the old agent had them.
struct Word {
  std::string_view option;
  std::string_view word;
  void (*choose)(ToolChoice& choice);
};

constexpr std::array kWords{
    Word{"--python-mode", "auto", [](ToolChoice& choice) { choice.py_spy = false; }},
    Word{"--python-mode", "pyperf", [](ToolChoice& choice) { choice.py_spy = false; }},
    Word{"--python-mode", "pyspy", [](ToolChoice& choice) { choice.py_spy = true; }},
    Word{"--python-mode", "py-spy", [](ToolChoice& choice) { choice.py_spy = true; }},
    Word{"--python-mode", "disabled", [](ToolChoice& choice) { choice.py_spy = false; }},
    Word{"--ruby-mode", "rbspy", [](ToolChoice& choice) { choice.rbspy = true; }},
    Word{"--ruby-mode", "disabled", [](ToolChoice& choice) { choice.rbspy = false; }},
    Word{"--php-mode", "phpspy", [](ToolChoice& choice) { choice.phpspy = true; }},
    Word{"--php-mode", "disabled", [](ToolChoice& choice) { choice.phpspy = false; }},
    Word{"--dotnet-mode", "dotnet-trace", [](ToolChoice& choice) { choice.dotnet_trace = true; }},
    Word{"--dotnet-mode", "disabled", [](ToolChoice& choice) { choice.dotnet_trace = false; }},
    Word{"--java-mode", "ap",
         [](ToolChoice& choice) {
           if (choice.async_profiler.empty()) choice.async_profiler = "cpu";
         }},
    Word{"--java-mode", "disabled", [](ToolChoice& choice) { choice.async_profiler.clear(); }},
    Word{"--java-async-profiler-mode", "auto", [](ToolChoice& choice) { choice.async_profiler = "cpu"; }},
    Word{"--java-async-profiler-mode", "cpu", [](ToolChoice& choice) { choice.async_profiler = "cpu"; }},
    Word{"--java-async-profiler-mode", "itimer", [](ToolChoice& choice) { choice.async_profiler = "itimer"; }},
    Word{"--java-async-profiler-mode", "wall", [](ToolChoice& choice) { choice.async_profiler = "wall"; }},
    Word{"--java-async-profiler-mode", "alloc", [](ToolChoice& choice) { choice.async_profiler = "alloc"; }},
    Word{"--java-async-profiler-mode", "lock", [](ToolChoice& choice) { choice.async_profiler = "lock"; }},
    Word{"--perf-mode", "fp", [](ToolChoice& choice) { choice.perf = PerfMode::kFramePointers; }},
    Word{"--perf-mode", "dwarf", [](ToolChoice& choice) { choice.perf = PerfMode::kDwarf; }},
    Word{"--perf-mode", "smart", [](ToolChoice& choice) { choice.perf = PerfMode::kSmart; }},
    Word{"--perf-mode", "disabled", [](ToolChoice& choice) { choice.perf.reset(); }},
};

std::string absent(const Tool& tool) {
  return fmt::format("{} is not installed ({} is not in PATH): {} processes are walked as usual", tool.name,
                     tool.program, tool.language);
}

}  // namespace

Result<void> choose_tool(std::string_view option, std::string_view word, ToolChoice& choice) {
  if (word == "none") word = "disabled";
  std::string known;
  for (const Word& entry : kWords) {
    if (entry.option != option) continue;
    if (entry.word == word) {
      entry.choose(choice);
      return {};
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", entry.word);
  }
  return fail(ErrorCode::kUsage, fmt::format("{} '{}': give one of {}", option, word, known));
}

std::map<std::string, std::string> words_of(const ToolChoice& choice) {
  std::map<std::string, std::string> words;
  if (choice.py_spy) words.emplace("python-mode", "pyspy");
  if (choice.rbspy) words.emplace("ruby-mode", "rbspy");
  if (choice.phpspy) words.emplace("php-mode", "phpspy");
  if (choice.phpspy) words.emplace("php-proc-filter", choice.php_filter);
  if (choice.dotnet_trace) words.emplace("dotnet-mode", "dotnet-trace");
  if (!choice.async_profiler.empty()) words.emplace("java-async-profiler-mode", choice.async_profiler);
  return words;
}

Collectors make_collectors(const ToolChoice& choice, Launcher& launcher) {
  Collectors made;
  const auto add = [&](bool chosen, const Tool& tool, const std::string& mode) {
    if (!chosen) return;
    if (auto program = find_program(tool.program)) {
      made.collectors.push_back(std::make_shared<ToolCollector>(tool, std::move(*program), mode, launcher));
    } else {
      made.absent.push_back(absent(tool));
    }
  };
  add(choice.py_spy, kPySpy, "");
  add(choice.rbspy, kRbspy, "");
  add(!choice.async_profiler.empty(), kAsyncProfiler, choice.async_profiler);
  add(choice.dotnet_trace, kDotnetTrace, "");
  if (choice.phpspy) {
    if (auto program = find_program("phpspy")) {
      made.collectors.push_back(std::make_shared<PhpspyCollector>(std::move(*program), choice.php_filter, launcher));
    } else {
      made.absent.emplace_back("phpspy is not installed (not in PATH): PHP processes are walked as usual");
    }
  }
  return made;
}

Result<std::shared_ptr<Collector>> make_perf_collector(PerfMode mode, Launcher& launcher) {
  auto program = find_program("perf");
  if (!program) return fail(ErrorCode::kNotFound, "perf is not installed (not in PATH); install linux-perf");
  return std::make_shared<PerfCollector>(std::move(*program), mode, launcher);
}

}  // namespace gp::managed
