#include "profile/profile.h"

#include <fmt/format.h>

namespace gp::profile {

std::string_view frame_kind_name(FrameKind kind) {
  switch (kind) {
    case FrameKind::kNative: return "native";
    case FrameKind::kKernel: return "kernel";
    case FrameKind::kPython: return "python";
    case FrameKind::kJit: return "jit";
    case FrameKind::kMarker: return "marker";
  }
  return "?";
}

std::string_view frame_suffix(FrameKind kind) {
  switch (kind) {
    case FrameKind::kKernel: return "_[k]";
    case FrameKind::kPython: return "_[p]";
    default: return "";
  }
}

std::string frame_text(const Function& function) {
  if (function.kind == FrameKind::kPython) {
    if (function.line != 0) {
      return fmt::format("{} ({}:{}){}", function.name, function.file, function.line, frame_suffix(function.kind));
    }
    return fmt::format("{} ({}){}", function.name, function.file, frame_suffix(function.kind));
  }
  if (function.line != 0 && !function.file.empty()) {
    return fmt::format("{} ({}:{}){}", function.name, function.file, function.line, frame_suffix(function.kind));
  }
  return fmt::format("{}{}", function.name, frame_suffix(function.kind));
}

}  // namespace gp::profile
