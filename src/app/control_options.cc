#include "app/control_options.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/tool_options.h"
#include "app/words.h"

namespace gp::app {
namespace {

using nlohmann::json;

struct RawControl {
  std::string socket;
  std::string directory;
  std::string duration;
  std::string frequency;
  std::string windows;
  std::vector<std::string> pids;
  bool json = false;
  bool children = false;
  bool inlines = false;
  bool python_versions = true;
  bool history = false;
  std::string state_directory;
  bool help = false;
  ToolWords tools;
};

void add_options(CLI::App& parser, RawControl& raw, bool of_a_session) {
  if (!of_a_session) {
    parser.add_flag("--history", raw.history);
    parser.add_option("--state-dir", raw.state_directory)->take_last();
  }
  parser.set_help_flag();
  parser.allow_extras();
  parser.add_flag("-h,--help", raw.help);
  parser.add_flag("--json", raw.json);
  parser.add_option("--control-socket", raw.socket)->take_last();
  if (!of_a_session) return;
  parser.add_option("-o,--output-dir", raw.directory)->take_last();
  parser.add_option("-d,--profiling-duration", raw.duration)->take_last();
  parser.add_option("-f,--profiling-frequency", raw.frequency)->take_last();
  parser.add_option("--windows", raw.windows)->take_last();
  add_list(parser, "-p,--pids", raw.pids);
  parser.add_flag("--children", raw.children);
  parser.add_flag("--inlines", raw.inlines);
  parser.add_flag("!--no-python-versions", raw.python_versions);
  add_tool_options(parser, raw.tools);
}

// What kind of session is asked for.
Result<void> add_session(const RawControl& raw, json& request) {
  const auto number = [&](const std::string& text, uint64_t high, const char* what, const char* key) -> Result<void> {
    if (text.empty()) return {};
    GP_ASSIGN(request[key], number_in(text, 1, high, what));
    return {};
  };
  GP_TRY(number(raw.duration, kMaxDuration.count(), "-d", "seconds"));
  GP_TRY(number(raw.frequency, kMaxFrequencyHz, "-f", "frequency"));
  GP_TRY(number(raw.windows, UINT32_MAX, "--windows", "windows"));
  std::vector<int32_t> pids;
  GP_TRY(read_pids(raw.pids, pids));
  if (raw.children && pids.empty()) return usage("--children says what to do about -p PID, which is missing");
  if (!pids.empty()) request["pids"] = pids;
  if (raw.children) request["children"] = true;
  if (raw.inlines) request["inlines"] = true;
  if (!raw.python_versions) request["python_versions"] = false;
  if (raw.tools != ToolWords()) {
    GP_ASSIGN(const managed::ToolChoice tools, read_tool_choice(raw.tools));
    request["tools"] = managed::words_of(tools);
  }
  // As we see it: the other side has a working directory of its own.
  if (!raw.directory.empty()) request["output_dir"] = std::filesystem::absolute(raw.directory).string();
  return {};
}

Result<void> fill_snapshot(const RawControl& raw, json& request) {
  request["command"] = "snapshot";
  GP_TRY(add_session(raw, request));
  if (request.size() > 1 && !request.contains("seconds")) {
    return usage("a snapshot of its own needs -d SECONDS; without options the open window is written now");
  }
  return {};
}

Result<void> fill_session(const RawControl& raw, std::vector<std::string> names, json& request) {
  const std::string verb = names.empty() ? "" : names.front();
  if (verb == "list" && names.size() == 1) {
    request["command"] = "list";
    return {};
  }
  if (verb == "stop" && names.size() == 2) {
    request["command"] = "stop";
    GP_ASSIGN(request["id"], number_in(names[1], 1, UINT32_MAX, "session stop"));
    return {};
  }
  if (verb == "start" && names.size() <= 2) {
    request["command"] = "start";
    if (names.size() == 2) request["name"] = names[1];
    return add_session(raw, request);
  }
  return usage("say gprofiler session list, session start [NAME] or session stop ID; see gprofiler --help");
}

}  // namespace

bool is_control_command(std::string_view word) { return word == "status" || word == "snapshot" || word == "session"; }

Result<Invocation> parse_control(std::span<const std::string> words) {
  const std::string& command = words.front();
  CLI::App parser;
  RawControl raw;
  add_options(parser, raw, command != "status");
  GP_TRY(parse_words(parser, words.subspan(1), command == "session" ? 2 : 0));
  if (raw.help) return ShowText{std::string(help_text())};
  if (raw.history) {
    return HistoryOptions{.state_directory =
                              raw.state_directory.empty() ? std::string(kDefaultState) : raw.state_directory};
  }
  json request;
  if (command == "status") {
    request["command"] = "status";
  } else if (command == "snapshot") {
    GP_TRY(fill_snapshot(raw, request));
  } else {
    GP_TRY(fill_session(raw, parser.remaining(), request));
  }
  ControlOptions options{.json = raw.json, .request = request.dump(-1, ' ', true, json::error_handler_t::replace)};
  if (!raw.socket.empty()) options.control_socket = raw.socket;
  return options;
}

}  // namespace gp::app
