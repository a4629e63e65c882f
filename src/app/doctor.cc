#include "app/doctor.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <span>

#include "app/trial.h"
#include "os/host.h"
#include "os/procfs.h"

namespace gp::app {
namespace {

constexpr size_t kMaxRows = 50;  // of the table of processes

struct StateText {
  const char* word;
  const char* colour;  // ANSI
};

StateText text_of(CheckState state) {
  switch (state) {
    case CheckState::kOk: return {"ok", "\x1b[32m"};
    case CheckState::kWarn: return {"warn", "\x1b[33m"};
    case CheckState::kFail: break;
  }
  return {"FAIL", "\x1b[31m"};
}

// Breaks text at spaces so that lines of `indent` plus text fit the width; the first line is already indented.
std::string wrapped(std::string_view text, size_t indent, size_t columns) {
  const size_t room = std::max<size_t>(columns > indent ? columns - indent : 0, 20);
  std::string lines;
  while (text.size() > room) {
    size_t cut = text.rfind(' ', room);
    if (cut == std::string_view::npos) cut = std::min(text.find(' '), text.size());
    lines += text.substr(0, cut);
    text.remove_prefix(std::min(cut + 1, text.size()));
    if (!text.empty()) lines += '\n' + std::string(indent, ' ');
  }
  return lines.append(text) + '\n';
}

// What a reader can do about stacks that end in a marker; empty where nothing need be done.
std::string_view marker_remedy(std::string_view marker) {
  using profile::walk_end_marker;
  using profile::WalkEnd;
  if (marker == walk_end_marker(WalkEnd::kNoUnwindInfo)) {
    return "code with neither unwind tables nor frame pointers: build it with -fasynchronous-unwind-tables or "
           "-fno-omit-frame-pointer";
  }
  if (marker == walk_end_marker(WalkEnd::kTruncated))
    return "deeper than 1,024 frames: the part nearest the leaf is kept";
  if (marker == walk_end_marker(WalkEnd::kRuntimeUnsupported))
    return "this version of the interpreter cannot be read yet";
  if (marker == walk_end_marker(WalkEnd::kCompat32)) return "32-bit programs cannot be walked yet";
  if (marker == walk_end_marker(WalkEnd::kNoMapping))
    return "code outside any file, of a run-time compiler without frame pointers";
  return "passing: seen while programs start and end";
}

std::string share(uint64_t part, uint64_t whole) {
  return whole == 0 ? "-" : fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string incomplete_text(const ProcessWalk& walk) {
  std::string text;
  for (const auto& [marker, samples] : walk.incomplete) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", marker, samples);
  }
  return text;
}

constexpr std::string_view kRowFormat = "  {:>8}  {:<16}  {:<14}  {:>7}  {:>7}  ";
constexpr size_t kCommandWidth = 16;
constexpr size_t kRowStart = 64;  // cells before the last column

std::string runtime_text(const profile::Process& process, const ProcessCensus& census) {
  if (!process.runtime.empty()) return process.runtime;
  return census.kernel_threads.contains(process.key.pid) ? "kernel" : "native";
}

std::string process_row(const profile::Process& process, const ProcessWalk& walk, const ProcessCensus& census,
                        size_t columns) {
  std::string row = fmt::format(kRowFormat, process.key.pid, output::fit(process.comm, kCommandWidth),
                                runtime_text(process, census), walk.samples, share(walk.whole, walk.samples));
  row += output::fit(incomplete_text(walk), columns > kRowStart ? columns - kRowStart : 0);
  while (row.ends_with(' ')) row.pop_back();
  return row + '\n';
}

// Processes without a sample, by runtime.
std::string idle_line(const profile::Profile& profile, std::span<const ProcessWalk> walks,
                      const ProcessCensus& census) {
  std::map<std::string, size_t> runtimes;
  size_t sampled = 0;
  for (const ProcessWalk& walk : walks) {
    const std::string& runtime = profile.processes[walk.process].runtime;
    if (walk.samples > 0) {
      ++sampled;
    } else if (!runtime.empty()) {
      ++runtimes[runtime];
    }
  }
  std::string text = fmt::format("{} sampled; /proc shows {} processes and {} kernel threads", sampled,
                                 census.processes, census.kernel_threads.size());
  for (const auto& [runtime, count] : runtimes) text += fmt::format(", {} idle {}", count, runtime);
  return text;
}

std::string remedies(std::span<const ProcessWalk> walks, size_t columns) {
  std::map<std::string, uint64_t> markers;
  for (const ProcessWalk& walk : walks) {
    for (const auto& [marker, samples] : walk.incomplete) markers[marker] += samples;
  }
  std::string text;
  for (const auto& [marker, samples] : markers) {
    const std::string start = fmt::format("  {}  ", marker);
    text += start + wrapped(marker_remedy(marker), start.size(), columns);
  }
  return text.empty() ? text : "\nWhat incomplete stacks mean\n" + text;
}

ProcessCensus take_census() {
  ProcessCensus census;
  for (const int32_t pid : os::list_processes().value_or(std::vector<int32_t>())) {
    const auto stat = os::read_stat(pid);
    if (!stat) continue;
    if (stat->kernel_thread()) {
      census.kernel_threads.insert(pid);
    } else {
      ++census.processes;
    }
  }
  return census;
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

std::string checks_report(std::span<const Check> checks, const output::TerminalStyle& style) {
  constexpr size_t kIndent = 26;
  std::string text;
  for (const Check& check : checks) {
    const StateText state = text_of(check.state);
    const std::string word = fmt::format("{:<4}", state.word);
    text += fmt::format("  {}  {:<16}  ", style.colour ? state.colour + word + "\x1b[0m" : word, check.name);
    text += wrapped(check.finding, kIndent, style.columns);
    if (!check.remedy.empty()) {
      text += std::string(kIndent, ' ') + wrapped("to do: " + check.remedy, kIndent, style.columns);
    }
  }
  return text;
}

std::string trial_report(const profile::Profile& profile, const ProcessCensus& census,
                         const output::TerminalStyle& style) {
  const auto walks = walks_of(profile);
  std::string text = fmt::format(kRowFormat, "PID", "COMMAND", "RUNTIME", "SAMPLES", "WHOLE") + "INCOMPLETE\n";
  const auto idle = std::ranges::find(walks, uint64_t{0}, &ProcessWalk::samples);
  const auto sampled = static_cast<size_t>(idle - walks.begin());
  for (const ProcessWalk& walk : std::span(walks).first(std::min(sampled, kMaxRows))) {
    text += process_row(profile.processes[walk.process], walk, census, style.columns);
  }
  if (sampled > kMaxRows) text += fmt::format("  and {} more with fewer samples\n", sampled - kMaxRows);
  text += "  " + wrapped(idle_line(profile, walks, census), 2, style.columns);
  text += "  " + wrapped(profile.quality.summary(), 2, style.columns);
  return text + remedies(walks, style.columns);
}

Result<int> run_doctor(const DoctorOptions& options, const StartRecording& start) {
  const output::TerminalStyle style = output::terminal_style(STDOUT_FILENO);
  const std::vector<Check> checks = assess_host(gather_host_facts(), options.force);
  print(fmt::format("gprofiler {} on {}, Linux {}\n\nThis host\n", kVersion, os::host_name(), os::kernel_release()));
  print(checks_report(checks, style));
  if (!first_failure(checks)) {
    print("\nNo trial: mend what failed first.\n");
    return 1;
  }
  print(fmt::format("\nTrial of {} s at {} Hz\n", kTrialDuration.count(), kTrialFrequencyHz));
  GP_ASSIGN(const profile::Profile profile, run_trial(start));
  print(trial_report(profile, take_census(), style));
  return 0;
}

}  // namespace gp::app
