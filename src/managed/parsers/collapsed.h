// Lines of collapsed stacks, "root;…;leaf COUNT", as most profilers write them. The text is foreign.
// Owner thread: none (functions of their arguments).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "profile/profile.h"
#include "profile/tool_stacks.h"

namespace gp::managed {

inline constexpr size_t kMaxToolFrames = 1024;  // of one stack, as of our own walks; what is nearer the root goes

struct CollapsedLine {
  std::vector<std::string_view> frames;  // root first; views of the line
  uint64_t count = 0;
};
std::optional<CollapsedLine> parse_collapsed_line(std::string_view line);

// Adds one such line; `frame` makes a function of a frame's text. False: it is none.
bool add_collapsed_line(std::string_view line, const std::function<profile::Function(std::string_view)>& frame,
                        profile::ToolStacks& stacks);

// "name (file:line)" of py-spy.
profile::Function python_frame(std::string_view text);
// "name - file:line" of rbspy.
profile::Function ruby_frame(std::string_view text);
// "pkg/Class.method(…)V_[j]" of async-profiler with `ann`; what has no such ending is native.
profile::Function java_frame(std::string_view text);

}  // namespace gp::managed
