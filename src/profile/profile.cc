#include "profile/profile.h"

#include <fmt/format.h>

namespace gp::profile {

std::string_view frame_kind_name(FrameKind kind) {
  switch (kind) {
    case FrameKind::kNative: return "native";
    case FrameKind::kKernel: return "kernel";
    case FrameKind::kPython: return "python";
    case FrameKind::kJit: return "jit";
    case FrameKind::kRuby: return "ruby";
    case FrameKind::kPhp: return "php";
    case FrameKind::kPerl: return "perl";
    case FrameKind::kLua: return "lua";
    case FrameKind::kMarker: return "marker";
  }
  return "?";
}

std::string_view frame_suffix(FrameKind kind) {
  switch (kind) {
    case FrameKind::kKernel: return "_[k]";
    case FrameKind::kPython: return "_[p]";
    case FrameKind::kRuby: return "_[rb]";
    case FrameKind::kPhp: return "_[php]";
    case FrameKind::kPerl: return "_[pl]";
    case FrameKind::kLua: return "_[lua]";
    default: return "";
  }
}

bool is_interpreted(FrameKind kind) {
  switch (kind) {
    case FrameKind::kPython:
    case FrameKind::kRuby:
    case FrameKind::kPhp:
    case FrameKind::kPerl:
    case FrameKind::kLua: return true;
    default: return false;
  }
}

std::string frame_text(const Function& function) {
  const std::string_view suffix = frame_suffix(function.kind);
  const bool interpreted = is_interpreted(function.kind);
  if (function.file.empty() || (function.line == 0 && !interpreted)) return fmt::format("{}{}", function.name, suffix);
  std::string place = function.file;
  if (function.line != 0) place += fmt::format(":{}", function.line);
  if (function.kind == FrameKind::kPhp) return fmt::format("{} {}{}", function.name, place, suffix);  // as phpspy does
  if (interpreted && !function.module.empty()) place += fmt::format(" [{}]", function.module);
  return fmt::format("{} ({}){}", function.name, place, suffix);
}

size_t memory_bytes(const Profile& profile) {
  size_t bytes = profile.functions.capacity() * sizeof(Function) + profile.nodes.capacity() * sizeof(StackNode) +
                 profile.processes.capacity() * sizeof(Process) + profile.threads.capacity() * sizeof(Thread) +
                 profile.samples.capacity() * sizeof(SampleGroup);
  for (const Function& function : profile.functions) {
    bytes += function.name.capacity() + function.file.capacity() + function.module.capacity();
  }
  return bytes;
}

std::string ToolReport::summary() const {
  std::string text = fmt::format("{}: the stacks of {} processes, {} samples", name, processes, samples);
  for (const auto& [reason, count] : failures) {
    text += count == 1 ? fmt::format("; failed once: {}", reason) : fmt::format("; failed {} times: {}", count, reason);
  }
  return text;
}

}  // namespace gp::profile
