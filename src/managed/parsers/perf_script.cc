#include "managed/parsers/perf_script.h"

#include <fmt/format.h>

#include <algorithm>

#include "managed/parsers/collapsed.h"
#include "os/proc_text.h"

namespace gp::managed {
namespace {

using profile::FrameKind;
using profile::Function;

constexpr std::string_view kUnknown = "[unknown]";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<int32_t> parse_pid(std::string_view text) {
  const auto number = os::parse_decimal(text);
  if (!number || *number > INT32_MAX) return std::nullopt;
  return static_cast<int32_t>(*number);
}

bool is_address(std::string_view text) {
  return !text.empty() && text.size() <= 16 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string_view basename_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::optional<PerfSampleHead> parse_perf_head(std::string_view line) {
  line = trimmed(line);
  const size_t space = line.rfind(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view ids = line.substr(space + 1);
  const size_t slash = ids.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto pid = parse_pid(ids.substr(0, slash));
  const auto tid = parse_pid(ids.substr(slash + 1));
  if (!pid || !tid) return std::nullopt;
  return PerfSampleHead{.comm = trimmed(line.substr(0, space)), .pid = *pid, .tid = *tid};
}

std::optional<Function> parse_perf_frame(std::string_view line) {
  line = trimmed(line);
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_address(line.substr(0, space))) return std::nullopt;
  line = trimmed(line.substr(space));
  // Names of C++ functions hold parentheses and blanks, so the file is what is in the last ones; "(deleted)" is its own.
  size_t open = line.rfind(" (");
  if (line.ends_with(" (deleted))") && open != std::string_view::npos && open > 0) open = line.rfind(" (", open - 1);
  if (open == std::string_view::npos || !line.ends_with(')')) return std::nullopt;
  const std::string_view file = line.substr(open + 2, line.size() - open - 3);
  std::string_view symbol = line.substr(0, open);
  if (const size_t offset = symbol.rfind("+0x"); offset != std::string_view::npos) symbol = symbol.substr(0, offset);
  Function function;
  const bool kernel = file.find("kernel") != std::string_view::npos || file.find("vmlinux") != std::string_view::npos ||
                      (file.starts_with('[') && file != kUnknown && file != "[vdso]" && file != "[heap]");
  function.kind = kernel ? FrameKind::kKernel : FrameKind::kNative;
  function.module = file == kUnknown ? std::string_view() : basename_of(file);
  function.named = symbol != kUnknown;
  function.name = function.named || file == kUnknown ? std::string(symbol) : fmt::format("({})", basename_of(file));
  return function;
}

void PerfScript::line(std::string_view text) {
  if (trimmed(text).empty()) return end_sample();
  const bool indented = text.front() == ' ' || text.front() == '\t';
  if (pid_ >= 0 && indented) {
    if (auto function = parse_perf_frame(text)) {
      if (frames_.size() < kMaxToolFrames) frames_.push_back(std::move(*function));
    } else {
      ++malformed_;
    }
    return;
  }
  end_sample();
  if (const auto head = parse_perf_head(text)) {
    pid_ = head->pid;
    comm_ = head->comm;
  } else {
    ++malformed_;
  }
}

void PerfScript::end_sample() {
  const int32_t pid = pid_;
  pid_ = -1;
  if (pid > 0 && !frames_.empty()) {
    auto place = processes_.find(pid);
    if (place == processes_.end() && processes_.size() < kMaxProcesses) {
      profile::Process process;
      process.key.pid = pid;
      process.comm = comm_;
      place = processes_.try_emplace(pid, Seen{.stacks = profile::ToolStacks(std::move(process))}).first;
    }
    if (place != processes_.end()) {
      Seen& seen = place->second;
      ++seen.samples;
      seen.user_frames += static_cast<uint64_t>(std::ranges::count(frames_, FrameKind::kNative, &Function::kind));
      std::ranges::reverse(frames_);
      seen.stacks.add(frames_, 1);
    }
  }
  frames_.clear();
}

}  // namespace gp::managed
