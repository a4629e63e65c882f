// Which functions a profile's time went to. Owner thread: none (values).
#pragma once

#include <cstdint>
#include <vector>

#include "profile/profile.h"

namespace gp::output {

// One function over all its lines. Units: samples.
struct HotFunction {
  uint32_t function = 0;  // index into Profile::functions: one of those that are merged here
  uint64_t self = 0;      // it was the leaf
  uint64_t total = 0;     // it was anywhere on the stack; a recursive one counts once a sample
};

// Hottest by self first. Functions are one where name, file, module and kind are.
std::vector<HotFunction> hot_functions(const profile::Profile& profile);

}  // namespace gp::output
