#include "app/settings.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "os/unique_fd.h"

namespace gp::app {
namespace {

constexpr size_t kMaxConfigBytes = 1U << 20U;
constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string_view without_quotes(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

// "[1, 2]" is a list: "1,2".
std::string value_of(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return std::string(without_quotes(text));
  std::string list;
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view item = without_quotes(trimmed(text.substr(0, comma)));
    if (!item.empty()) list.append(list.empty() ? "" : ",").append(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return list;
}

bool is_key(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
  });
}

}  // namespace

Result<std::vector<Setting>> parse_settings(std::string_view text) {
  std::vector<Setting> settings;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t length = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, length));
    text.remove_prefix(std::min(length + 1, text.size()));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[' && line.back() == ']') continue;
    const size_t equals = line.find_first_of("=:");
    std::string_view key = trimmed(line.substr(0, equals));
    if (key.starts_with("--")) key.remove_prefix(2);
    if (!is_key(key)) {
      return fail(ErrorCode::kUsage, fmt::format("line {} is no 'option = value': '{}'", number, line.substr(0, 40)));
    }
    const std::string_view value = equals == std::string_view::npos ? "" : trimmed(line.substr(equals + 1));
    std::erase_if(settings, [key](const Setting& before) { return before.key == key; });
    settings.push_back({.key = std::string(key), .value = value_of(value)});
  }
  return settings;
}

Result<std::vector<Setting>> read_settings(const std::string& path, bool asked_for) {
  const auto text = os::read_file(path, kMaxConfigBytes);
  if (!text) {
    if (!asked_for && text.error().code() == ErrorCode::kNotFound) return std::vector<Setting>();
    return fail(ErrorCode::kUsage, fmt::format("--config: {}", text.error().message()));
  }
  auto settings = parse_settings(*text);
  if (!settings) return fail(ErrorCode::kUsage, fmt::format("{}: {}", path, settings.error().message()));
  return settings;
}

std::string variable_name(std::string_view option) {
  std::string name = "GPROFILER_";
  for (const char c : option) name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::optional<bool> parse_switch(std::string_view value) {
  std::string lower(value);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "true" || lower == "yes" || lower == "on" || lower == "1") return true;
  if (lower == "false" || lower == "no" || lower == "off" || lower == "0") return false;
  return std::nullopt;
}

Surroundings real_surroundings() {
  return {.variable =
              [](const std::string& name) {
                const char* value = std::getenv(name.c_str());
                return value == nullptr ? std::nullopt : std::optional<std::string>(value);
              },
          .settings = read_settings};
}

Surroundings no_surroundings() {
  return {.variable = [](const std::string&) { return std::nullopt; },
          .settings = [](const std::string&, bool) { return std::vector<Setting>(); }};
}

}  // namespace gp::app
