// The language runtimes we know. A new one adds itself here.
#pragma once

#include <span>

#include "targets/runtime.h"

namespace gp::runtimes {

// Owner thread: none (the list and the runtimes are immutable and live as long as the program).
std::span<const targets::Runtime* const> all();

}  // namespace gp::runtimes
