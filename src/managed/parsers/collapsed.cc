#include "managed/parsers/collapsed.h"

#include <charconv>
#include <string>

#include "os/proc_text.h"

namespace gp::managed {
namespace {

using profile::FrameKind;
using profile::Function;

struct SourcePlace {
  std::string_view name;
  std::string_view file;
  uint32_t line = 0;
};

// `place` is "file:line".
std::optional<SourcePlace> split_place(std::string_view name, std::string_view place) {
  const size_t colon = place.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto line = os::parse_decimal(place.substr(colon + 1));
  if (!line || *line > UINT32_MAX) return std::nullopt;
  return SourcePlace{name, place.substr(0, colon), static_cast<uint32_t>(*line)};
}

Function source_function(const std::optional<SourcePlace>& place, std::string_view text, FrameKind kind) {
  Function function;
  function.kind = kind;
  function.name = place ? place->name : text;
  if (place) {
    function.file = place->file;
    function.line = place->line;
  }
  return function;
}

}  // namespace

std::optional<CollapsedLine> parse_collapsed_line(std::string_view line) {
  const size_t space = line.rfind(' ');
  if (space == std::string_view::npos || space == 0) return std::nullopt;
  const auto count = os::parse_decimal(line.substr(space + 1));
  if (!count) return std::nullopt;
  CollapsedLine parsed{.frames = {}, .count = *count};
  std::string_view rest = line.substr(0, space);
  // From the leaf, which is the end that is kept.
  while (parsed.frames.size() < kMaxToolFrames) {
    const size_t separator = rest.rfind(';');
    const std::string_view frame = separator == std::string_view::npos ? rest : rest.substr(separator + 1);
    if (!frame.empty()) parsed.frames.push_back(frame);
    if (separator == std::string_view::npos) break;
    rest = rest.substr(0, separator);
  }
  if (parsed.frames.empty()) return std::nullopt;
  parsed.frames = {parsed.frames.rbegin(), parsed.frames.rend()};
  return parsed;
}

bool add_collapsed_line(std::string_view line, const std::function<Function(std::string_view)>& frame,
                        profile::ToolStacks& stacks) {
  const auto parsed = parse_collapsed_line(line);
  if (!parsed) return false;
  std::vector<Function> functions;
  functions.reserve(parsed->frames.size());
  for (const std::string_view text : parsed->frames) functions.push_back(frame(text));
  stacks.add(functions, parsed->count);
  return true;
}

Function python_frame(std::string_view text) {
  const size_t open = text.rfind(" (");
  if (open == std::string_view::npos || !text.ends_with(')')) {
    return source_function(std::nullopt, text, FrameKind::kPython);
  }
  const std::string_view inside = text.substr(open + 2, text.size() - open - 3);
  if (const auto place = split_place(text.substr(0, open), inside))
    return source_function(place, text, FrameKind::kPython);
  return source_function(SourcePlace{text.substr(0, open), inside, 0}, text, FrameKind::kPython);
}

Function ruby_frame(std::string_view text) {
  constexpr std::string_view kSeparator = " - ";
  const size_t at = text.rfind(kSeparator);
  if (at == std::string_view::npos) return source_function(std::nullopt, text, FrameKind::kRuby);
  const std::string_view name = text.substr(0, at);
  const std::string_view place = text.substr(at + kSeparator.size());
  if (const auto split = split_place(name, place)) return source_function(split, text, FrameKind::kRuby);
  return source_function(SourcePlace{name, place, 0}, text, FrameKind::kRuby);
}

Function java_frame(std::string_view text) {
  Function function;
  function.name = text;
  if (text.size() < 4 || !text.ends_with(']') || text.substr(text.size() - 4, 2) != "_[") return function;
  function.kind = FrameKind::kJit;
  if (text[text.size() - 2] == 'k') {
    function.kind = FrameKind::kKernel;  // whose suffix the output adds itself
    function.name = text.substr(0, text.size() - 4);
  }
  return function;
}

}  // namespace gp::managed
