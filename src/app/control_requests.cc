#include "app/control_requests.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/options.h"
#include "app/tool_options.h"

namespace gp::app {
namespace {

using nlohmann::json;

constexpr size_t kMaxNameBytes = 64;
constexpr size_t kMaxPids = 4096;

std::unexpected<Error> bad(std::string_view key, std::string_view what) {
  return fail(ErrorCode::kUsage, fmt::format("{}: {}", key, what));
}

// Fields taken out of an object one by one; what is left at the end is unknown.
class Fields {
 public:
  explicit Fields(json object) : object_(std::move(object)) {}

  Result<std::optional<uint32_t>> number(const char* key, uint64_t low, uint64_t high) {
    const json value = take(key);
    if (value.is_null()) return std::nullopt;
    if (!value.is_number_unsigned() || value.get<uint64_t>() < low || value.get<uint64_t>() > high) {
      return bad(key, fmt::format("give a whole number from {} to {}", low, high));
    }
    return static_cast<uint32_t>(value.get<uint64_t>());
  }
  Result<std::optional<bool>> flag(const char* key) {
    const json value = take(key);
    if (value.is_null()) return std::nullopt;
    if (!value.is_boolean()) return bad(key, "give true or false");
    return value.get<bool>();
  }
  Result<std::string> text(const char* key, size_t max_bytes) {
    const json value = take(key);
    if (value.is_null()) return std::string();
    if (!value.is_string()) return bad(key, "give a text");
    auto text = value.get<std::string>();
    const bool control = std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' '; });
    if (text.size() > max_bytes || control) return bad(key, fmt::format("give a text of up to {} bytes", max_bytes));
    return text;
  }
  Result<std::vector<int32_t>> pids(const char* key) {
    const json value = take(key);
    std::vector<int32_t> pids;
    if (value.is_null()) return pids;
    if (!value.is_array() || value.size() > kMaxPids) return bad(key, fmt::format("give up to {} pids", kMaxPids));
    for (const json& pid : value) {
      const bool good = pid.is_number_unsigned() && pid.get<uint64_t>() >= 1 && pid.get<uint64_t>() <= INT32_MAX;
      if (!good) return bad(key, "give process ids");
      pids.push_back(static_cast<int32_t>(pid.get<uint64_t>()));
    }
    return pids;
  }
  // {"python-mode": "pyspy"}: options that choose external profilers, and their words.
  Result<std::optional<managed::ToolChoice>> tools(const char* key) {
    const json value = take(key);
    if (value.is_null()) return std::nullopt;
    if (!value.is_object()) return bad(key, "give an object of options and words");
    ToolWords words;
    for (const auto& [option, word] : value.items()) {
      if (!word.is_string() || word.get_ref<const std::string&>().size() > kMaxNameBytes ||
          !set_tool_word(option, word.get<std::string>(), words)) {
        return bad(key, "give options that choose external profilers, and a word for each");
      }
    }
    GP_ASSIGN(managed::ToolChoice choice, read_tool_choice(words));
    return choice;
  }
  [[nodiscard]] bool empty() const { return object_.empty(); }
  [[nodiscard]] Result<void> nothing_left() const {
    if (object_.empty()) return {};
    std::string key = object_.begin().key().substr(0, kMaxNameBytes);
    std::ranges::replace_if(key, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
    return bad(key, "unknown in this request");
  }

 private:
  json take(const char* key) {
    const auto found = object_.find(key);
    if (found == object_.end()) return nullptr;
    json value = std::move(*found);
    object_.erase(found);
    return value;
  }

  json object_;
};

Result<SessionRequest> read_session(Fields& fields) {
  SessionRequest session;
  GP_ASSIGN(session.name, fields.text("name", kMaxNameBytes));
  if (session.name.find('/') != std::string::npos || session.name.starts_with('.')) {
    return bad("name", "give one without / and not beginning with a point: it names a folder");
  }
  GP_ASSIGN(session.frequency_hz, fields.number("frequency", 1, kMaxFrequencyHz));
  GP_ASSIGN(session.window_seconds, fields.number("seconds", 1, kMaxDuration.count()));
  GP_ASSIGN(const auto windows, fields.number("windows", 1, UINT32_MAX));
  session.windows = windows.value_or(0);
  GP_ASSIGN(session.pids, fields.pids("pids"));
  GP_ASSIGN(const auto children, fields.flag("children"));
  session.children = children.value_or(false);
  GP_ASSIGN(const auto inlines, fields.flag("inlines"));
  session.inlines = inlines.value_or(false);
  GP_ASSIGN(session.python_versions, fields.flag("python_versions"));
  GP_ASSIGN(session.flamegraph, fields.flag("flamegraph"));
  GP_ASSIGN(session.pprof, fields.flag("pprof"));
  GP_ASSIGN(session.output_dir, fields.text("output_dir", 4096));
  if (!session.output_dir.empty() && !session.output_dir.starts_with('/'))
    return bad("output_dir", "give a whole path");
  GP_ASSIGN(const auto owned, fields.flag("owned"));
  session.owned = owned.value_or(false);
  GP_ASSIGN(session.tools, fields.tools("tools"));
  GP_ASSIGN(session.columns, fields.number("columns", 20, 1000));
  GP_ASSIGN(const auto colour, fields.flag("colour"));
  session.colour = colour.value_or(false);
  if (session.children && session.pids.empty()) return bad("children", "says what to do about pids, which are missing");
  return session;
}

Result<ControlRequest> read_snapshot(Fields& fields) {
  if (fields.empty()) return SnapshotRequest{};
  GP_ASSIGN(SessionRequest session, read_session(fields));
  if (!session.window_seconds) return bad("seconds", "a snapshot of its own needs them");
  session.windows = 1;
  GP_TRY(fields.nothing_left());
  return SnapshotRequest{.session = std::move(session)};
}

}  // namespace

Result<ControlRequest> parse_control_request(std::string_view line) {
  json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return fail(ErrorCode::kUsage, "a request is one JSON object on one line");
  Fields fields(std::move(object));
  GP_ASSIGN(const std::string command, fields.text("command", kMaxNameBytes));
  if (command == "snapshot") return read_snapshot(fields);
  if (command == "start") {
    GP_ASSIGN(SessionRequest session, read_session(fields));
    GP_TRY(fields.nothing_left());
    return StartRequest{.session = std::move(session)};
  }
  if (command == "stop") {
    GP_ASSIGN(const auto id, fields.number("id", 1, UINT32_MAX));
    if (!id) return bad("id", "which session is to stop");
    GP_TRY(fields.nothing_left());
    return StopRequest{.id = *id};
  }
  GP_TRY(fields.nothing_left());
  if (command == "status") return StatusRequest{};
  if (command == "list") return ListRequest{};
  return bad("command", "there are status, list, snapshot, start and stop");
}

}  // namespace gp::app
