// Where the fields are that the walker reads, by version of Ruby.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bpf/abi/ruby.h"

namespace gp::runtimes::ruby {

// Owner thread: none (value).
struct Version {
  uint16_t number = 0;  // 0x0303 for "3.3.8"
  unsigned patch = 0;   // 8; 0 when it is not said
};

// Nothing when the text is no version.
std::optional<Version> version_of(std::string_view text);

// By the text of ruby_version. Addresses are still zero. Nothing for versions whose layout is not known.
std::optional<gp_ruby> offsets_of(std::string_view version);

}  // namespace gp::runtimes::ruby
