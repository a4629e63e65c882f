#include "app/options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <iterator>

#include "os/proc_text.h"

namespace gp::app {
namespace {

// What the words were, before their values are looked at.
struct RawOptions {
  std::string directory;
  std::string duration;
  std::string frequency;
  std::vector<std::string> pids;
  std::vector<std::string> formats;
  bool no_flamegraph = false;
  bool help = false;
  bool version = false;
};

std::unexpected<Error> usage(std::string message) { return fail(ErrorCode::kUsage, std::move(message)); }

void add_common(CLI::App& parser, RawOptions& raw, bool& force, bool& verbose) {
  parser.set_help_flag();  // ours teaches more
  parser.allow_extras();   // told apart below
  parser.add_flag("-h,--help", raw.help);
  parser.add_flag("--version", raw.version);
  parser.add_flag("-v,--verbose", verbose);
  parser.add_flag("--force", force);
}

// A list given as "1,2", by several options, or both.
void add_list(CLI::App& parser, const char* names, std::vector<std::string>& values) {
  parser.add_option(names, values)->delimiter(',')->allow_extra_args(false);
}

void add_profile_options(CLI::App& parser, RawOptions& raw, ProfileOptions& options) {
  parser.add_option("-o,--output-dir", raw.directory)->take_last();
  parser.add_option("-d,--profiling-duration", raw.duration)->take_last();
  parser.add_option("-f,--profiling-frequency", raw.frequency)->take_last();
  add_list(parser, "-p,--pids", raw.pids);
  add_list(parser, "--format", raw.formats);
  parser.add_flag("--children", options.children);
  parser.add_flag("--as-root", options.as_root);
  parser.add_flag("--no-flamegraph", raw.no_flamegraph);
  parser.add_flag("--inlines", options.inlines);
}

// Runs the parser, which reports by exceptions, and words what it found.
Result<void> parse_words(CLI::App& parser, std::span<const std::string> words) {
  std::vector<std::string> reversed(words.rbegin(), words.rend());  // the order CLI11 takes
  try {
    parser.parse(reversed);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view text = error.what();  // "--output-dir: 1 required TEXT missing"
    return usage(fmt::format("{} needs a value; see gprofiler --help", text.substr(0, text.find(':'))));
  } catch (const CLI::ParseError& error) {
    return usage(fmt::format("{}; see gprofiler --help", error.what()));
  }
  const std::vector<std::string> extras = parser.remaining();
  if (extras.empty()) return {};
  if (extras.front().starts_with('-')) {
    return usage(fmt::format("there is no option {}; see gprofiler --help", extras.front()));
  }
  return usage(fmt::format("unexpected '{}'; a command to profile goes after --", extras.front()));
}

Result<uint64_t> number_in(std::string_view text, uint64_t low, uint64_t high, std::string_view what) {
  const auto number = os::parse_decimal(text);
  if (number && *number >= low && *number <= high) return *number;
  return usage(fmt::format("{} '{}': give a whole number from {} to {}", what, text, low, high));
}

Result<void> read_pids(const std::vector<std::string>& texts, std::vector<int32_t>& pids) {
  for (const std::string& text : texts) {
    GP_ASSIGN(const uint64_t pid, number_in(text, 1, INT32_MAX, "-p"));
    pids.push_back(static_cast<int32_t>(pid));
  }
  std::ranges::sort(pids);
  const auto twice = std::ranges::unique(pids);
  pids.erase(twice.begin(), twice.end());
  return {};
}

Result<void> read_formats(const std::vector<std::string>& names, bool& pprof) {
  for (const std::string& name : names) {
    if (name != "pprof") {
      return usage(fmt::format("--format '{}': there is pprof; collapsed stacks and HTML are always written", name));
    }
    pprof = true;
  }
  return {};
}

Result<void> read_values(const RawOptions& raw, ProfileOptions& options) {
  if (raw.directory.empty()) return usage("say where to write: -o DIR; see gprofiler --help");
  options.output_directory = raw.directory;
  if (!raw.frequency.empty()) {
    GP_ASSIGN(const uint64_t hz, number_in(raw.frequency, 1, kMaxFrequencyHz, "-f"));
    options.frequency_hz = static_cast<uint32_t>(hz);
  }
  if (!raw.duration.empty()) {
    GP_ASSIGN(const uint64_t seconds, number_in(raw.duration, 1, kMaxDuration.count(), "-d"));
    options.duration = std::chrono::seconds(seconds);
  } else if (options.command.empty()) {
    options.duration = kDefaultDuration;
  }
  options.flamegraph = !raw.no_flamegraph;
  GP_TRY(read_pids(raw.pids, options.pids));
  return read_formats(raw.formats, options.pprof);
}

Result<void> check_together(const ProfileOptions& options) {
  const bool has_command = !options.command.empty();
  if (has_command && !options.pids.empty()) return usage("give either -p PID or a COMMAND, not both");
  if (has_command && options.children) return usage("--children is for -p; a COMMAND's children are always profiled");
  if (options.children && options.pids.empty())
    return usage("--children says what to do about -p PID, which is missing");
  if (options.as_root && !has_command) return usage("--as-root is about a COMMAND, which is missing: put it after --");
  return {};
}

Result<Invocation> parse_doctor(std::span<const std::string> words) {
  CLI::App parser;
  RawOptions raw;
  DoctorOptions options;
  add_common(parser, raw, options.force, options.verbose);
  GP_TRY(parse_words(parser, words));
  if (raw.help) return ShowText{std::string(help_text())};
  if (raw.version) return ShowText{fmt::format("gprofiler {}\n", kVersion)};
  return options;
}

Result<Invocation> parse_profile(std::span<const std::string> words, std::optional<std::vector<std::string>> command) {
  CLI::App parser;
  RawOptions raw;
  ProfileOptions options;
  add_common(parser, raw, options.force, options.verbose);
  add_profile_options(parser, raw, options);
  GP_TRY(parse_words(parser, words));
  if (raw.help) return ShowText{std::string(help_text())};
  if (raw.version) return ShowText{fmt::format("gprofiler {}\n", kVersion)};
  if (command && (command->empty() || command->front().empty())) return usage("a COMMAND is missing after --");
  options.command = std::move(command).value_or(std::vector<std::string>());
  GP_TRY(read_values(raw, options));
  GP_TRY(check_together(options));
  return options;
}

}  // namespace

Result<Invocation> parse_arguments(std::span<const std::string> arguments) {
  if (!arguments.empty() && arguments.front() == "doctor") return parse_doctor(arguments.subspan(1));
  const auto dashes = std::ranges::find(arguments, "--");
  const auto own = static_cast<size_t>(dashes - arguments.begin());
  std::optional<std::vector<std::string>> command;
  if (dashes != arguments.end()) command.emplace(std::next(dashes), arguments.end());
  return parse_profile(arguments.first(own), std::move(command));
}

}  // namespace gp::app
