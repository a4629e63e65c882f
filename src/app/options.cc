#include "app/options.h"

#include <algorithm>
#include <iterator>

#include "app/control_options.h"
#include "app/tool_options.h"
#include "app/words.h"

namespace gp::app {
namespace {

constexpr uint64_t kMaxWorkers = 50;

// What the words were, before their values are looked at.
struct RawOptions {
  std::string directory;
  std::string duration;
  std::string frequency;
  std::vector<std::string> pids;
  std::vector<std::string> formats;
  std::string pid_file;
  std::string controller_pid;
  std::string max_workers;
  std::string profiler_timeout;
  std::string control_socket;
  std::string config;
  RawUpkeep upkeep;
  ToolWords tools;
  bool flamegraph = true;
  bool help = false;
  bool version = false;
};

void add_common(CLI::App& parser, RawOptions& raw, bool& force, bool& verbose) {
  parser.set_help_flag();  // ours teaches more
  parser.allow_extras();   // told apart below
  parser.add_flag("-h,--help", raw.help);
  parser.add_flag("--version", raw.version);
  parser.add_flag("-v,--verbose", verbose);
  parser.add_flag("--force", force);
}

void add_profile_options(CLI::App& parser, RawOptions& raw, ProfileOptions& options) {
  parser.add_option("-o,--output-dir", raw.directory)->take_last();
  parser.add_option("-d,--profiling-duration", raw.duration)->take_last();
  parser.add_option("-f,--profiling-frequency", raw.frequency)->take_last();
  add_list(parser, "-p,--pids", raw.pids);
  add_list(parser, "--format", raw.formats);
  parser.add_flag("--children", options.children);
  parser.add_flag("--as-root", options.as_root);
  parser.add_flag("--flamegraph,!--no-flamegraph", raw.flamegraph);
  parser.add_flag("--inlines", options.inlines);
  parser.add_flag("-c,--continuous", options.continuous);
  parser.add_flag("--rotating-output", options.rotating);
  parser.add_option("--pid-file", raw.pid_file)->take_last();
  parser.add_option("--controller-pid", raw.controller_pid)->take_last();
  parser.add_option("--max-workers", raw.max_workers)->take_last();
  parser.add_option("--profiler-timeout", raw.profiler_timeout)->take_last();
  parser.add_option("--control-socket", raw.control_socket)->take_last();
  parser.add_option("--config", raw.config)->take_last();
  add_upkeep_options(parser, raw.upkeep);
  add_tool_options(parser, raw.tools);
  parser.add_flag("!--no-python-versions", options.python_versions);
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

// What a background gprofiler needs beside its profiles.
Result<void> read_service_values(const RawOptions& raw, ProfileOptions& options) {
  options.pid_file = raw.pid_file;
  if (options.pid_file.empty() && options.continuous) options.pid_file = kDefaultPidFile;
  if (!raw.control_socket.empty()) options.control_socket = raw.control_socket;
  if (!raw.controller_pid.empty()) {
    GP_ASSIGN(const uint64_t pid, number_in(raw.controller_pid, 1, INT32_MAX, "--controller-pid"));
    options.controller_pid = static_cast<int32_t>(pid);
  }
  if (!raw.max_workers.empty()) {
    GP_ASSIGN(const uint64_t workers, number_in(raw.max_workers, 1, kMaxWorkers, "--max-workers"));
    options.max_workers = static_cast<uint32_t>(workers);
  }
  if (!raw.profiler_timeout.empty()) {
    GP_ASSIGN(const uint64_t seconds, number_in(raw.profiler_timeout, 1, kMaxDuration.count(), "--profiler-timeout"));
    options.profiler_timeout = std::chrono::seconds(seconds);
  }
  GP_ASSIGN(options.upkeep, read_upkeep(raw.upkeep));
  GP_ASSIGN(options.log_file, read_log_file(raw.upkeep, options.continuous));
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
  options.flamegraph = raw.flamegraph;
  GP_TRY(read_service_values(raw, options));
  GP_ASSIGN(options.tools, read_tool_choice(raw.tools));
  GP_TRY(read_pids(raw.pids, options.pids));
  return read_formats(raw.formats, options.pprof);
}

Result<void> check_together(const ProfileOptions& options) {
  const bool has_command = !options.command.empty();
  if (has_command && !options.pids.empty()) return usage("give either -p PID or a COMMAND, not both");
  if (has_command && options.children) return usage("--children is for -p; a COMMAND's children are always profiled");
  if (options.children && options.pids.empty())
    return usage("--children says what to do about -p PID, which is missing");
  if (has_command && options.continuous) {
    return usage("a COMMAND has one profile: leave -c out (--config /dev/null, if it comes from the config file)");
  }
  if (options.as_root && !has_command) return usage("--as-root is about a COMMAND, which is missing: put it after --");
  return {};
}

// Not to be said in a file or variable: they are about this one call.
bool is_for_the_command_line(std::string_view option) {
  return option == "help" || option == "version" || option == "config";
}

// One option as words of a command line; none for a switch that is off.
Result<std::vector<std::string>> words_of(const CLI::Option& option, const std::string& value, std::string_view from) {
  const std::string name = option.get_lnames().front();
  if (option.get_items_expected_max() > 0) return std::vector<std::string>{fmt::format("--{}={}", name, value)};
  const auto wanted = value.empty() ? std::optional(true) : parse_switch(value);
  if (!wanted) return usage(fmt::format("{} '{}': give true or false", from, value));
  const bool has_opposite = !option.get_fnames().empty();
  if (*wanted) return std::vector<std::string>{fmt::format("--{}", name)};
  if (has_opposite) return std::vector<std::string>{fmt::format("--no-{}", name)};
  return std::vector<std::string>();
}

// What variables and the config file say of options that the command line leaves open.
Result<std::vector<std::string>> words_from(const CLI::App& given, std::string config,
                                            const Surroundings& surroundings) {
  if (config.empty()) config = surroundings.variable(variable_name("config")).value_or("");
  const bool asked_for = !config.empty();
  if (!asked_for) config = kDefaultConfig;
  GP_ASSIGN(std::vector<Setting> settings, surroundings.settings(config, asked_for));
  std::vector<std::string> words;
  for (const CLI::Option* option : given.get_options()) {
    const std::vector<std::string>& names = option->get_lnames();
    if (names.empty() || is_for_the_command_line(names.front())) continue;
    const std::string variable = variable_name(names.front());
    auto value = surroundings.variable(variable);
    std::string from = variable;
    for (const std::string& name : names) {
      const auto setting = std::ranges::find(settings, name, &Setting::key);
      if (setting == settings.end()) continue;
      if (!value) {
        value = setting->value;
        from = fmt::format("{}: {}", config, name);
        if (name.starts_with("no-")) value = parse_switch(setting->value).value_or(true) ? "false" : "true";
      }
      settings.erase(setting);
    }
    if (!value || option->count() > 0) continue;
    GP_ASSIGN(const std::vector<std::string> more, words_of(*option, *value, from));
    words.insert(words.end(), more.begin(), more.end());
  }
  if (settings.empty()) return words;
  std::string unknown;
  for (const Setting& setting : settings) unknown += (unknown.empty() ? "" : ", ") + setting.key;
  return usage(fmt::format("{}: there is no option {}; see gprofiler --help", config, unknown));
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

Result<Invocation> parse_dump(std::span<const std::string> words) {
  CLI::App parser;
  RawOptions raw;
  DumpRequest request;
  add_common(parser, raw, request.force, request.verbose);
  parser.add_flag("--inlines", request.inlines);
  parser.add_flag("--json", request.json);
  parser.add_flag("!--no-python-versions", request.python_versions);
  GP_TRY(parse_words(parser, words, 1));
  if (raw.help) return ShowText{std::string(help_text())};
  if (raw.version) return ShowText{fmt::format("gprofiler {}\n", kVersion)};
  const std::vector<std::string> pids = parser.remaining();
  if (pids.empty()) return usage("say whose stacks: gprofiler dump PID");
  GP_ASSIGN(const uint64_t pid, number_in(pids.front(), 1, INT32_MAX, "dump"));
  request.pid = static_cast<int32_t>(pid);
  return request;
}

// A parse of the profile's options: of `words`, into members.
struct ProfileParser {
  CLI::App parser;
  RawOptions raw;
  ProfileOptions options;

  ProfileParser() {
    add_common(parser, raw, options.force, options.verbose);
    add_profile_options(parser, raw, options);
  }
};

Result<Invocation> parse_profile(std::span<const std::string> words, std::optional<std::vector<std::string>> command,
                                 const Surroundings& surroundings) {
  ProfileParser own;
  GP_TRY(parse_words(own.parser, words));
  if (own.raw.help) return ShowText{std::string(help_text())};
  if (own.raw.version) return ShowText{fmt::format("gprofiler {}\n", kVersion)};
  GP_ASSIGN(std::vector<std::string> all, words_from(own.parser, own.raw.config, surroundings));
  all.insert(all.end(), words.begin(), words.end());
  ProfileParser full;
  GP_TRY(parse_words(full.parser, all));
  ProfileOptions options = std::move(full.options);
  if (command && (command->empty() || command->front().empty())) return usage("a COMMAND is missing after --");
  options.command = std::move(command).value_or(std::vector<std::string>());
  GP_TRY(read_values(full.raw, options));
  GP_TRY(check_together(options));
  return options;
}

}  // namespace

Result<Invocation> parse_arguments(std::span<const std::string> arguments, const Surroundings& surroundings) {
  if (!arguments.empty() && arguments.front() == "doctor") return parse_doctor(arguments.subspan(1));
  if (!arguments.empty() && arguments.front() == "dump") return parse_dump(arguments.subspan(1));
  if (!arguments.empty() && is_control_command(arguments.front())) return parse_control(arguments);
  const auto dashes = std::ranges::find(arguments, "--");
  const auto own = static_cast<size_t>(dashes - arguments.begin());
  std::optional<std::vector<std::string>> command;
  if (dashes != arguments.end()) command.emplace(std::next(dashes), arguments.end());
  return parse_profile(arguments.first(own), std::move(command), surroundings);
}

}  // namespace gp::app
