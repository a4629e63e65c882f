// Where the fields are that the walker reads, by version of Ruby.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bpf/abi/ruby.h"

namespace gp::runtimes::ruby {

// "3.3.8" → 0x0303; 0 when it does not say.
uint16_t version_number(std::string_view text);

// Addresses are still zero. Nothing for versions whose layout is not known.
std::optional<gp_ruby> offsets_of(uint16_t version);

}  // namespace gp::runtimes::ruby
