// Programs of this host and what they are started with. Owner thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gp::managed {

// The file a shell would run: the first executable of that name in PATH. Nothing when there is none.
std::optional<std::string> find_program(std::string_view name);

// What a tool gets of our own environment: PATH, HOME, TMPDIR and the locale's; nothing else of ours (tokens, proxies).
std::vector<std::string> tool_environment();

}  // namespace gp::managed
