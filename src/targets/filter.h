// Which processes a session samples. Owner thread: none (values).
#pragma once

#include <cstdint>
#include <vector>

namespace gp::targets {

struct Filter {
  std::vector<int32_t> pids;  // empty: all
  bool children = false;      // and what they start, from now on
};

}  // namespace gp::targets
