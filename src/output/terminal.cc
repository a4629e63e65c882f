#include "output/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <vector>

#include "output/hot_functions.h"
#include "output/text.h"

namespace gp::output {

namespace {

using profile::FrameKind;
using profile::Profile;

constexpr std::string_view kBold = "1", kDim = "2";
constexpr size_t kLeastPlace = 8;  // cells, below which the name of a file says nothing

// SGR colours of the 16 every terminal has, near those of the flame graph.
std::string_view kind_colour(FrameKind kind) {
  switch (kind) {
    case FrameKind::kNative: return "34";
    case FrameKind::kKernel: return "33";
    case FrameKind::kPython: return "32";
    case FrameKind::kJit: return "35";
    case FrameKind::kRuby: return "31";
    case FrameKind::kPhp: return "36";
    case FrameKind::kPerl: return "96";
    case FrameKind::kLua: return "94";
    case FrameKind::kMarker: return kDim;
  }
  return "0";
}

// Cells a character takes: two for the wide blocks of East Asian scripts and pictographs (Unicode's EastAsianWidth.txt,
// by block; a rough cut is enough to keep rows on one line).
size_t cells(char32_t code) {
  const bool wide = (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) ||
                    (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
                    (code >= 0xff00 && code <= 0xff60) || (code >= 0x1f300 && code <= 0x1faff) || code >= 0x20000;
  return wide ? 2 : 1;
}

size_t cells(std::string_view text) {
  size_t sum = 0;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text, at);
    sum += cells(c.code);
    at += c.bytes == 0 ? 1 : c.bytes;
  }
  return sum;
}

// (count, name) of each, busiest first, then by name.
template <class T>
std::vector<std::pair<uint64_t, std::string>> busiest_first(const std::map<std::string, T>& named, auto count_of) {
  std::vector<std::pair<uint64_t, std::string>> sorted;
  sorted.reserve(named.size());
  for (const auto& [name, value] : named) sorted.emplace_back(count_of(value), name);
  std::ranges::sort(
      sorted, [](const auto& a, const auto& b) { return std::tie(b.first, a.second) < std::tie(a.first, b.second); });
  return sorted;
}

class Summary {
 public:
  Summary(const Profile& profile, const TerminalStyle& style, std::string& out)
      : profile_(profile), style_(style), out_(out) {
    for (const auto& group : profile.samples) total_ += group.count;
  }

  void write() {
    window();
    if (total_ > 0) {
      functions();
      shares();
      programs();
    }
    quality();
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  [[nodiscard]] std::string paint(std::string_view colour, std::string_view text) const {
    return style_.colour ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : std::string(text);
  }
  [[nodiscard]] double seconds(uint64_t count) const {
    return static_cast<double>(count) * static_cast<double>(profile_.period_ns) / 1e9;
  }
  // "12.3 %    4.56 s"
  [[nodiscard]] std::string share(uint64_t count) const {
    return fmt::format("{:5.1f} % {:8.2f} s", 100.0 * static_cast<double>(count) / static_cast<double>(total_),
                       seconds(count));
  }

  void heading(std::string_view text) { line("\n{}", paint(kBold, text)); }

  void window() {
    const double length = static_cast<double>(profile_.end_unix_ns - profile_.start_unix_ns) / 1e9;
    line("{}",
         paint(kBold, fit(fmt::format("{}: {} samples, {:.2f} CPU-seconds in {:.1f} s ({} at {} Hz)", profile_.hostname,
                                      grouped(total_), seconds(total_), length, profile_.event, profile_.frequency_hz),
                          style_.columns)));
  }

  void functions() {
    constexpr size_t kFiguresWidth = 2 + 18 + 2 + 18 + 2;
    const size_t width = style_.columns > kFiguresWidth ? style_.columns - kFiguresWidth : 0;
    auto hot = hot_functions(profile_);
    std::erase_if(hot, [](const HotFunction& each) { return each.self == 0; });
    line("\n{}", paint(kBold, fmt::format("  {:>18}  {:>18}  {}", "self", "total", "function")));
    for (size_t i = 0; i < std::min(hot.size(), style_.functions); ++i) {
      line("  {}  {}  {}", share(hot[i].self), share(hot[i].total), named(profile_.functions[hot[i].function], width));
    }
    if (hot.size() > style_.functions) {
      line("{}", paint(kDim, fmt::format("  … and {} more", grouped(hot.size() - style_.functions))));
    }
  }

  // The name, and where the function is from as far as there is room.
  [[nodiscard]] std::string named(const profile::Function& function, size_t width) const {
    const std::string name = fit(function.name + std::string(frame_suffix(function.kind)), width);
    const size_t rest = width - std::min(cells(name) + 2, width);
    const std::string place = fit(place_of(function), rest);
    std::string text = paint(kind_colour(function.kind), name);
    if (rest >= kLeastPlace && !place.empty()) text += "  " + paint(kDim, place);
    return text;
  }

  static std::string_view place_of(const profile::Function& function) {
    return is_interpreted(function.kind) || function.module.empty() ? function.file : function.module;
  }

  // Samples by the kind of their leaf (an empty stack is the walker's own word), and by the runtime of their process.
  void shares() {
    std::map<FrameKind, uint64_t> kinds;
    std::map<std::string, uint64_t> runtimes;
    for (const auto& group : profile_.samples) {
      const bool empty = group.stack == 0;
      kinds[empty ? FrameKind::kMarker : profile_.functions[profile_.nodes[group.stack].function].kind] += group.count;
      const auto& runtime = profile_.processes[profile_.threads[group.thread].process].runtime;
      runtimes[runtime.empty() ? "native" : runtime] += group.count;
    }
    heading("samples by kind of the running function");
    for (const auto& [kind, count] : kinds) {
      line("  {}  {}", share(count), paint(kind_colour(kind), frame_kind_name(kind)));
    }
    heading("samples by runtime of the process");
    for (const auto& [count, runtime] : busiest_first(runtimes, [](uint64_t count) { return count; }))
      line("  {}  {}", share(count), fit(runtime, room()));
  }

  void programs() {
    struct Program {
      uint64_t count = 0;
      std::set<uint32_t> processes;
    };
    std::map<std::string, Program> programs;
    for (const auto& group : profile_.samples) {
      const uint32_t process = profile_.threads[group.thread].process;
      auto& program = programs[profile_.processes[process].comm];
      program.count += group.count;
      program.processes.insert(process);
    }
    const auto sorted = busiest_first(programs, [](const Program& program) { return program.count; });
    heading("busiest programs");
    for (size_t i = 0; i < std::min(sorted.size(), style_.processes); ++i) {
      const auto& [count, comm] = sorted[i];
      const auto& ids = programs[comm].processes;
      const std::string which = ids.size() == 1 ? fmt::format("pid {}", profile_.processes[*ids.begin()].key.pid)
                                                : fmt::format("{} processes", ids.size());
      line("  {}  {}  {}", share(count), fit(comm, room()), paint(kDim, which));
    }
    if (sorted.size() > style_.processes) {
      line("{}", paint(kDim, fmt::format("  … and {} more", sorted.size() - style_.processes)));
    }
  }

  // Cells for a name after one share, before a short remark.
  [[nodiscard]] size_t room() const { return style_.columns > 44 ? style_.columns - 44 : 0; }

  void quality() {
    heading("data quality");
    const std::string text =
        profile_.quality.summary() + (profile_.quality.sums_hold() ? "" : "; THE SUMS DO NOT HOLD");
    paragraph(text);
    for (const profile::ToolReport& tool : profile_.tools) paragraph(escape_terminal(tool.summary()));
  }

  // Wrapped, indented.
  void paragraph(std::string_view rest) {
    const size_t width = std::max<size_t>(style_.columns, 24) - 2;
    while (!rest.empty()) {
      size_t end = rest.size();
      if (end > width) {
        const size_t space = rest.rfind(' ', width);
        end = space == std::string_view::npos ? width : space;
      }
      line("  {}", rest.substr(0, end));
      rest.remove_prefix(end);
      rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    }
  }

  const Profile& profile_;
  const TerminalStyle& style_;
  std::string& out_;
  uint64_t total_ = 0;
};

}  // namespace

std::string fit(std::string_view foreign, size_t width) {
  std::string text = escape_terminal(foreign);
  if (cells(text) <= width) return text;
  size_t used = 0;
  size_t at = 0;
  while (at < text.size()) {
    const Utf8Char c = utf8_at(text, at);
    if (used + cells(c.code) + 1 > width) break;
    used += cells(c.code);
    at += c.bytes;
  }
  return width == 0 ? "" : text.substr(0, at) + "…";
}

std::string grouped(uint64_t number) {
  std::string digits = fmt::format("{}", number);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

TerminalStyle terminal_style(int fd) {
  TerminalStyle style;
  if (isatty(fd) == 0) return style;
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) style.columns = size.ws_col;
  const char* no_colour = std::getenv("NO_COLOR");
  style.colour = no_colour == nullptr || *no_colour == '\0';
  return style;
}

void write_summary(const Profile& profile, const TerminalStyle& style, std::string& out) {
  Summary(profile, style, out).write();
}

}  // namespace gp::output
