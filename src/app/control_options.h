// `gprofiler status`, `snapshot` and `session …`: words to a request of the control socket. Owner thread: none (values).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "app/options.h"
#include "base/result.h"

namespace gp::app {

bool is_control_command(std::string_view word);

// `words` begins with the command.
Result<Invocation> parse_control(std::span<const std::string> words);

}  // namespace gp::app
